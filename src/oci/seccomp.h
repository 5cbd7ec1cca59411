// Seccomp filters: the default profile, profiles in the standards' JSON, and the program the kernel runs.
//
// A filter is a cost at every start: the kernel checks and translates the program while the container waits. So the
// program is not libseccomp's but our own, a balanced search over ranges of numbers (docs/decisions/seccomp.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oci/config.h"
#include "tank/result.h"

namespace tank::oci {

/// What a container may call unless its manifest says otherwise: an allow-list that grows with the capabilities held.
/// `architecture` as OCI writes it ("amd64", "arm64"). Error kind: unsupported, for another one.
Result<Seccomp> default_seccomp(const std::vector<std::string>& capabilities, std::string_view architecture);

/// A profile as text: the `linux.seccomp` object of the runtime-spec, or Docker's form, whose archMap, includes and
/// excludes are resolved against the capabilities and the architecture. Strict: at most 1 MiB, unknown fields refused,
/// and so is what Tank cannot carry out (notify, trace). Error kinds: invalid, unsupported.
Result<Seccomp> parse_seccomp_profile(std::string_view text, const std::vector<std::string>& capabilities,
                                      std::string_view architecture);

/// The program as an array of struct sock_filter. Names no known kernel has are skipped, as in every runtime. A call
/// has one unconditional rule or any number of conditional ones, tried in order; unconditional beats conditional.
/// Numbers newer than the table of this version fail with ENOSYS where the default is an errno, so that programs fall
/// back. Foreign architectures kill the process. Error kind: invalid.
Result<std::vector<std::uint8_t>> compile_seccomp(const Seccomp& seccomp);

}  // namespace tank::oci
