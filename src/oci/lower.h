// Lowering: a container of a pod, its image's configuration and the facts of the machine become the OCI runtime
// configuration the shim carries out. Pure.
#pragma once

#include <string>
#include <vector>

#include "oci/config.h"
#include "oci/host.h"
#include "oci/user.h"
#include "tank/image.h"
#include "tank/pod.h"
#include "tank/result.h"

namespace tank::oci {

struct LowerInput {
  const Pod& pod;
  const Container& container;  ///< one of the pod's
  const ImageConfig& image;
  const UserFiles& users;
  const HostFacts& host;
  std::string root_path;      ///< where the container's root will be mounted
  std::vector<Mount> mounts;  ///< /etc files and volumes, as rootfs::plan gave them
  std::string hostname;       ///< of the pod; the host's own with hostNetwork
  std::string cgroups_path;
  std::string seccomp_profile;  ///< text of the localhost profile, when the container names one
};

/// Error kinds: invalid (nothing to run, runAsNonRoot, bad names, paths or profile), not_found (an unknown user or
/// group), denied (a capability this machine lacks), unsupported (architecture, seccomp features).
Result<Config> lower(const LowerInput& input);

}  // namespace tank::oci
