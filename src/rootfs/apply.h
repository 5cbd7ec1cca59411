// Makes what rootfs/plan.h planned, and removes it again. What is removed follows from the directories alone, so that
// it works from a record, in another process, later.
#pragma once

#include <filesystem>
#include <vector>

#include "rootfs/plan.h"
#include "sys/fd.h"
#include "tank/result.h"

namespace tank::rootfs {

/// A detached mount for the shim to attach at `path` in its own mount namespace.
struct HeldMount {
  std::filesystem::path path;
  sys::MountFd mount;
};

/// Idempotent where it can be: what stands already stays, /etc files are written anew. Claims and host paths it made
/// are not undone. Error kinds: not_found and exists (a hostPath that is missing or of another type), denied, kernel.
Result<std::vector<HeldMount>> apply(const Plan& plan);

/// A fresh writable layer for a container that is built anew while its pod lives. It must not be mounted anywhere.
Result<> renew(const ContainerFiles& container);

/// Removes the pod's writable layers, emptyDir volumes, /etc files and mount points. Missing is success; goes on after
/// an error and gives the first with the others attached.
Result<> undo(const Directories& directories);

}  // namespace tank::rootfs
