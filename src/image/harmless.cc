#include "image/harmless.h"

namespace tank::image {

std::string harmless(std::string_view text, std::size_t limit) {
  std::string out(text.substr(0, limit));
  for (char& c : out) c = c < 0x20 || c >= 0x7f ? '?' : c;
  return out;
}

}  // namespace tank::image
