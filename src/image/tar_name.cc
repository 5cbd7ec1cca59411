#include "image/tar_name.h"

#include <algorithm>
#include <climits>

namespace tank::image {

namespace {

Result<> check_component(std::string_view component, std::string_view name) {
  if (component == "..") return error(Kind::corrupt, "the layer's entry '", printable(name), "' goes up by '..'");
  if (component.size() > NAME_MAX) {
    return error(Kind::corrupt, "the layer's entry '", printable(name), "' has a component of ", component.size(),
                 " bytes, more than ", NAME_MAX);
  }
  return {};
}

}  // namespace

Result<EntryName> parse_entry_name(std::string_view name, std::size_t max_depth) {
  if (name.empty()) return error(Kind::corrupt, "an entry of the layer has no name");
  if (name.find('\0') != std::string_view::npos) {
    return error(Kind::corrupt, "the layer's entry '", printable(name), "' has a NUL byte in its name");
  }
  EntryName clean;
  std::size_t depth = 0;
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view component = name.substr(begin, end - begin);
    begin = end + 1;
    if (component.empty() || component == ".") continue;
    TRY(check_component(component, name));
    if (++depth > max_depth) {
      return error(Kind::corrupt, "the layer's entry '", printable(name), "' is more than ", max_depth,
                   " directories deep");
    }
    clean.parent = clean.path();
    clean.base = component;
  }
  if (clean.parent.size() + clean.base.size() + 2 > PATH_MAX) {
    return error(Kind::corrupt, "the layer's entry '", printable(name), "' has a name of more than ", PATH_MAX,
                 " bytes");
  }
  return clean;
}

std::string printable(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char character : name.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte != 0x7f) {
      out += character;
    } else {
      out += {'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 0xfU]};
    }
  }
  if (name.size() > kLongest) out += "…";
  return out;
}

}  // namespace tank::image
