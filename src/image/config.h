// The image configuration (OCI image-spec, config.md) as a run needs it. Pure; the bytes are untrusted.
#pragma once

#include <string_view>

#include "image/platform.h"
#include "tank/image.h"
#include "tank/result.h"

namespace tank::image {

/// Null members count as absent, members of another type are refused, strings with NUL bytes too: they become argv and
/// environment. Error kind: corrupt.
Result<ImageConfig> parse_image_config(std::string_view bytes);

/// Does it run here? Kind::unsupported when not.
Result<> check_platform(const ImageConfig& config, const Platform& host);

}  // namespace tank::image
