// What this process and this machine have to give: capabilities, descriptors, memory.
#pragma once

#include <cstdint>

#include "tank/result.h"

namespace tank::sys {

struct OpenFiles {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

/// getrlimit(2), RLIMIT_NOFILE.
Result<OpenFiles> open_files_limit();

/// One bit for each capability number that this thread may both keep for itself and leave in a bounding set: its
/// permitted set and its bounding set, intersected.
Result<std::uint64_t> available_capabilities();

/// sysinfo(2): physical memory in bytes.
Result<std::int64_t> total_memory();

}  // namespace tank::sys
