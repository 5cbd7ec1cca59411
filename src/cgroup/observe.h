// Reads back what exists: limits and usage of one container, from whichever hierarchy holds the controller.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/layout.h"
#include "tank/result.h"
#include "tank/units.h"

namespace tank::cgroup {

/// Everything the kernel keeps books on for this container; unset where it does not (on the hybrid layout a container
/// without limits has processor usage and processes alone). A limit that is "max" is unset as well.
struct Observed {
  std::vector<pid_t> processes;  ///< of the leaf itself, not of cgroups made inside
  std::optional<Bytes> memory_limit;
  std::optional<Bytes> memory_reservation;
  std::optional<Bytes> swap_limit;  ///< beyond memory
  std::optional<Bytes> memory_usage;
  std::optional<Bytes> memory_peak;
  std::optional<std::uint64_t> oom_kills;
  std::optional<std::chrono::microseconds> cpu_quota;
  std::optional<std::chrono::microseconds> cpu_period;
  std::optional<std::uint64_t> cpu_weight;  ///< v2 scale, also where it was read from shares
  std::optional<std::chrono::microseconds> cpu_usage;
  std::optional<std::uint64_t> throttled_periods;
  std::optional<std::uint64_t> pids_limit;
  std::optional<std::uint64_t> pids;
  std::optional<std::size_t> device_programs;  ///< attached to the unified leaf
};

/// Kind::not_found when the container has no cgroup.
Result<Observed> observe(const Layout& layout, const std::string& uid, const std::string& container);

/// Did the kernel's out-of-memory killer act on this container? On the hybrid layout only a container with a memory
/// limit is watched for that; for others, and for one that is gone, the answer is false. Ask before remove().
Result<bool> was_oom_killed(const Layout& layout, const std::string& uid, const std::string& container);

}  // namespace tank::cgroup
