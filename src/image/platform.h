// Which machine an image is for (OCI image-spec, image-index.md, "platform"), and which it must be for to run here.
// Pure but for host_platform().
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tank::image {

struct Platform {
  std::string os;
  std::string architecture;  ///< in Go's words: amd64, arm64, arm, 386, …
  std::string variant;       ///< v8, v7, … or empty
};

/// "linux/arm/v7".
std::string to_string(const Platform& platform);

/// From uname(2)'s machine to Go's words: x86_64 is linux/amd64, armv7l linux/arm/v7.
Platform platform_of_machine(std::string_view machine);
Platform host_platform();

/// How well content for `offered` runs on `host`: unset when it does not, else higher is better. An arm v7 machine also
/// runs v6 and v5.
std::optional<int> match_platform(const Platform& offered, const Platform& host);

}  // namespace tank::image
