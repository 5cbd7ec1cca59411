// What is mounted where in a container, in the order it must happen.
#pragma once

#include <vector>

#include "oci/config.h"
#include "tank/pod.h"
#include "tank/result.h"

namespace tank::oci {

/// The standard file systems, then `own` (/etc files and volumes of the pod) with parents before what lies below them
/// and otherwise as given. One of the pod's own at the place of a standard one replaces it, with all below it. Error
/// kind: invalid, for a destination that is not absolute and clean, is "/", or lies in /proc, which the kernel's own
/// view must not be hidden by.
Result<std::vector<Mount>> plan_mounts(const SecurityContext& security, std::vector<Mount> own);

}  // namespace tank::oci
