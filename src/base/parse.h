// Parsing of small things out of text: whole numbers, and nothing but the whole number.
#pragma once

#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace tank {

/// The whole of `text` as a decimal integer within [least, most]; no sign but '-', no spaces, nothing after it.
template <typename Integer>
std::optional<Integer> parse_integer(std::string_view text, Integer least = std::numeric_limits<Integer>::min(),
                                     Integer most = std::numeric_limits<Integer>::max(), int base = 10) {
  Integer value{};
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value, base);
  if (failure != std::errc{} || stop != end || value < least || value > most) return std::nullopt;
  return value;
}

}  // namespace tank
