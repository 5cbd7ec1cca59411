// Words of others on their way into one of our sentences, which end on somebody's terminal. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tank::image {

/// At most `limit` bytes; what is not printable ASCII becomes '?'.
std::string harmless(std::string_view text, std::size_t limit = 150);

}  // namespace tank::image
