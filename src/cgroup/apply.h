// Carries a plan out: directories before the containers are cloned, descriptors for the shim to clone them into, limits
// while they are parked; and the undo, which needs nothing but the pod's uid.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cgroup/layout.h"
#include "cgroup/plan.h"
#include "sys/fd.h"
#include "tank/result.h"

namespace tank::cgroup {

/// Makes the directories, enables the controllers, writes the pod's own rows. Leaves are fresh afterwards: an empty one
/// that stood there is made anew (its counters belong to somebody who is gone), one with processes is Kind::busy. What
/// a failure leaves half made, remove() takes away. Error kinds: busy, denied (read-only or not ours), unsupported,
/// kernel.
Result<> create(const Plan& plan);

/// For the shim.
struct Leaf {
  sys::DirFd unified;             ///< for CLONE_INTO_CGROUP; not open where there is no unified hierarchy
  std::vector<sys::Fd> v1_procs;  ///< cgroup.procs of each v1 leaf, for writing: "0" moves the writer
};
Result<Leaf> open_leaf(const LeafPlan& leaf);

/// Writes the rows and attaches the device program. Meant for a container that is parked, so that it never runs
/// unlimited. May be repeated. Errors name the limit.
Result<> apply_limits(const LeafPlan& leaf);

/// Ends every process of the pod (SIGKILL), waits for them, and removes its cgroups from all hierarchies, whatever was
/// made inside them; then the common parent, if no other pod is left in it. Missing is success. Carries on past a
/// failure and tells the first. Kind::timeout when processes outlive `patience` (stuck in the kernel).
Result<> remove(const Layout& layout, const std::string& uid,
                std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace tank::cgroup
