// What cgroup directories need beyond files: their children, their processes, killing those, and waiting for the end of
// them. Works on v1 and v2 hierarchies; cgroups(7) and Documentation/admin-guide/cgroup-v2.rst are the reference.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

using Deadline = std::chrono::steady_clock::time_point;

/// Names of the directories in a directory (the cgroups below a cgroup), in no order.
Result<std::vector<std::string>> list_subdirectories(const Fd& dir);

/// rmdir(2) of a cgroup. Missing is success. Kind::busy when a process or a cgroup lives in it.
Result<> remove_cgroup(const Fd& parent, const std::string& name);
Result<> remove_cgroup(const std::string& path);

/// The processes of this very cgroup, as this pid namespace numbers them; those it cannot see are left out.
Result<std::vector<pid_t>> list_cgroup_processes(const Fd& cgroup);

/// SIGKILL to every process in the cgroup and below it, forks in flight included (cgroup.kill, Linux 5.14).
/// Kind::not_found on a v1 hierarchy and on older kernels.
Result<> kill_cgroup(const Fd& cgroup);

/// SIGKILL to the processes of this very cgroup, one by one. Their descriptors are added to `killed`.
Result<> kill_cgroup_processes(const Fd& cgroup, std::vector<PidFd>& killed);

/// Waits until no process lives in the cgroup or below it (cgroup.events says "populated 0"). False at the deadline.
/// Kind::not_found on a v1 hierarchy.
Result<bool> wait_unpopulated(const Fd& cgroup, Deadline deadline);

/// Waits until each of them has ended. False at the deadline.
Result<bool> wait_ended(const std::vector<PidFd>& processes, Deadline deadline);

}  // namespace tank::sys
