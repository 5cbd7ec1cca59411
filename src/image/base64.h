// Base64 as RFC 4648 section 4 has it: what basic authentication and credential files use. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tank::image {

std::string encode_base64(std::string_view bytes);

/// Unset when the text has other characters or a wrong length. Missing padding is forgiven.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace tank::image
