// What a container may see and touch beside its files: device nodes and rules, hidden and read-only paths of /proc and
// /sys.
#pragma once

#include <string>
#include <vector>

#include "oci/config.h"
#include "oci/host.h"
#include "tank/pod.h"

namespace tank::oci {

/// The nodes every container has; a privileged one also those of the host's /dev. The links (/dev/fd, ptmx, …) and
/// /dev/console, which is the container's own terminal, are made by whoever mounts /dev.
std::vector<Device> plan_devices(const SecurityContext& security, const HostFacts& host);

/// In order, the last match wins: nothing, but mknod of everything (a node that cannot be opened harms nobody, and
/// package managers make them), and use of the standard nodes and terminals. Privileged: everything.
std::vector<DeviceRule> plan_device_rules(const SecurityContext& security);

/// None for a privileged container.
std::vector<std::string> plan_masked_paths(const SecurityContext& security, const HostFacts& host);
std::vector<std::string> plan_readonly_paths(const SecurityContext& security);

}  // namespace tank::oci
