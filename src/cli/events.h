// Events and bring-up steps as JSON lines on stderr, for `tank run --events`.
#pragma once

#include <string>

#include "tank/runtime.h"

namespace tank::cli {

/// {"event":"running","pod":"default/web","container":"web","pid":4242}
std::string to_json_line(const Event& event);
/// {"event":"step","pod":"default/web","step":"network","phase":"up","us":87}
std::string to_json_line(const std::string& pod, const StepTiming& step);

/// Writes the line to stderr in one piece; safe from several threads.
void print_line(std::string line);

}  // namespace tank::cli
