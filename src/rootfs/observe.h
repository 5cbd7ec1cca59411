// Reads the facts about the machine that oci/ decides on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "oci/host.h"
#include "tank/pod.h"
#include "tank/result.h"

namespace tank::rootfs {

/// A few system calls; for a pod with a privileged container also a walk of /dev. Error kinds: kernel, unsupported (an
/// architecture Tank has no rules for).
Result<oci::HostFacts> observe_host(const Pod& pod);

/// What of HostFacts::masked_paths lies below /sys/devices/system/cpu, given as `processors`: one directory for each
/// processor, on the machines that have them at all.
Result<std::vector<std::string>> observe_thermal_throttle(const std::filesystem::path& processors);

/// The text of a localhost seccomp profile, at most 1 MiB, or empty when the container names none.
Result<std::string> read_seccomp_profile(const Container& container);

}  // namespace tank::rootfs
