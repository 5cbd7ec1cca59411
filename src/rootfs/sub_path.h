// A path inside a volume the workload can write to: whatever links it puts there, nothing leads out of it.
#pragma once

#include <string>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::rootfs {

/// Makes the missing directories of `path` (relative, without "..") below `volume`, 0755; links on the way are followed
/// as if the volume were "/". What stands there at last may be of any type. Error kinds: exists (a file in the way),
/// kernel.
Result<> ensure_sub_path(const sys::Fd& volume, const std::string& path);

}  // namespace tank::rootfs
