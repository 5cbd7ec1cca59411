// Showing how a pull goes: a bar per layer on a terminal, one line per finished layer otherwise. On stderr.
#pragma once

#include <functional>

#include "tank/image.h"

namespace tank::cli {

/// For PullOptions::progress. Prints nothing for an image that is cached.
std::function<void(const PullProgress&)> make_progress_printer();

}  // namespace tank::cli
