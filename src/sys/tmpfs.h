// A tmpfs(5) that is attached nowhere: it lives as long as somebody holds its descriptor or mounts it.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

struct TmpfsOptions {
  std::uint64_t size = 0;  ///< bytes; 0: half of the machine's memory, the kernel's own default
  mode_t mode = 01777;
  gid_t gid = 0;
};

/// fsopen(2) … fsmount(2), nosuid and nodev. Files below it can be reached through the descriptor at once. Error kinds:
/// denied, unsupported, kernel.
Result<MountFd> make_tmpfs(const TmpfsOptions& options);

}  // namespace tank::sys
