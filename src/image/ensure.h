// ensure_image() with its patience as a parameter.
#pragma once

#include <filesystem>
#include <string>

#include "image/registry.h"
#include "tank/image.h"

namespace tank::image {

/// As tank::ensure_image().
Result<Image> ensure(const std::filesystem::path& data_dir, const std::string& asked, PullPolicy policy,
                     const PullOptions& options, const Patience& patience);

}  // namespace tank::image
