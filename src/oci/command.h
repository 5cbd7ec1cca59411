// argv, environment and working directory of a container, as Docker, OCI and Kubernetes agree on them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tank/image.h"
#include "tank/pod.h"
#include "tank/result.h"

namespace tank::oci {

/// Names and values in the order they were first set.
using Variables = std::vector<std::pair<std::string, std::string>>;

/// Kubernetes' $(NAME) references: replaced when `known` has the name, left as written when not; "$$" stands for "$".
std::string expand(std::string_view text, const Variables& known);

/// The container's env of the manifest, each value expanded with those before it.
Variables manifest_variables(const Container& container);

/// command replaces Entrypoint and drops Cmd; args replaces Cmd. Both are expanded with the manifest's variables; what
/// comes from the image is not. Error kind: invalid, when there is nothing to run or a NUL byte stands in it.
Result<std::vector<std::string>> resolve_args(const Container& container, const ImageConfig& image,
                                              const Variables& manifest);

/// KEY=VALUE: the defaults (PATH, HOSTNAME, TERM with a terminal, HOME), the image's over them, the manifest's over
/// those. Nothing of the host's. Error kind: invalid, for a NUL byte.
Result<std::vector<std::string>> resolve_env(const Container& container, const ImageConfig& image,
                                             const Variables& manifest, const std::string& hostname,
                                             const std::string& home);

/// The manifest's, else the image's, else "/"; absolute, without "." and "..". Error kind: invalid, for a NUL byte.
Result<std::string> resolve_working_dir(const Container& container, const ImageConfig& image);

/// "SIGTERM", "TERM", "15", "SIGRTMIN+3", "RTMAX-1"; empty is SIGTERM. Error kind: invalid.
Result<int> parse_signal(std::string_view text);

}  // namespace tank::oci
