// Whatever is taken as a reference must have a full form that means the same, and nothing in it that a path or a header
// could be broken with.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto reference = tank::image::parse_reference(text);
  if (!reference) return 0;
  const std::string full = to_string(*reference);
  const auto again = tank::image::parse_reference(full);
  if (!again || to_string(*again) != full) std::abort();
  if (full.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos) std::abort();
  const bool registry = reference->transport == tank::image::Reference::Transport::registry;
  if (registry && full.find("..") != std::string::npos && reference->tag.find("..") == std::string::npos) std::abort();
  return 0;
}
