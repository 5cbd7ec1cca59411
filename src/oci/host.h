// What the rules of this room have to know about the machine, as facts somebody else has read (rootfs/observe.h). The
// room itself looks at nothing.
#pragma once

#include <string>
#include <vector>

#include "oci/config.h"
#include "tank/units.h"

namespace tank::oci {

struct HostFacts {
  /// The bounding set of the process that starts pods, names with CAP_. Nothing outside it can be passed on.
  std::vector<std::string> bounding;
  /// What a container gets as RLIMIT_NOFILE.
  Rlimit open_files{"RLIMIT_NOFILE", 1024, 4096};
  /// Physical memory, for the burstable out-of-memory score.
  Bytes memory;
  /// The nodes of the host's /dev. Only a privileged container gets them, so only for one they need be read.
  std::vector<Device> devices;
  /// Directories of the machine's own that leak load or temperature of the host, masked beside the fixed list:
  /// /sys/devices/system/cpu/cpu<n>/thermal_throttle.
  std::vector<std::string> masked_paths;
  /// As OCI writes it: "amd64", "arm64".
  std::string architecture = "amd64";
};

}  // namespace tank::oci
