// What this machine is, and what it and this process have to give: capabilities, descriptors, memory.
#pragma once

#include <cstdint>
#include <string>

#include "tank/result.h"

namespace tank::sys {

/// uname(2)'s machine: "x86_64", "aarch64", "armv7l", …
std::string machine_name();

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
