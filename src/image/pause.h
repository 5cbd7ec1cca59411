// Waiting that ends at once when asked to stop.
#pragma once

#include <chrono>
#include <stop_token>

#include "tank/result.h"

namespace tank::image {

/// Kind::aborted when asked to stop.
Result<> pause_for(std::chrono::milliseconds delay, const std::stop_token& stop);

}  // namespace tank::image
