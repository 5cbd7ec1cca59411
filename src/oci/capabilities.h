// Which capabilities(7) a container holds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oci/config.h"
#include "tank/pod.h"
#include "tank/result.h"

namespace tank::oci {

/// Every capability this version knows, in the kernel's numbering: the index is the number.
const std::vector<std::string_view>& capability_names();

/// Docker's default fourteen, then add and drop: ALL first, single names after it, a name both added and dropped is
/// dropped. Privileged means all. Bounding, permitted and effective are the same set; inheritable and ambient stay
/// empty (CVE-2022-24769), so that a process which is not root holds none after its exec. Bounded by what this machine
/// has to give: silently for the defaults, ALL and privileged, Kind::denied for a name the manifest adds. Kind::invalid
/// for a name that is no capability.
Result<Capabilities> resolve_capabilities(const SecurityContext& security, const std::vector<std::string>& bounding);

}  // namespace tank::oci
