// fsGroup: a volume's files belong to the pod's group and are open to it.
#pragma once

#include <filesystem>

#include "tank/result.h"
#include "tank/units.h"

namespace tank::rootfs {

/// As Kubernetes does it with OnRootMismatch: nothing when the volume's root shows that it was done before; else every
/// file gets the group and what the owner's group needs (rw; for directories also x and setgid), the root last, so that
/// an interrupted run is done again. Follows no link. Error kinds: denied, kernel.
Result<> own_by_group(const std::filesystem::path& volume, Id gid);

}  // namespace tank::rootfs
