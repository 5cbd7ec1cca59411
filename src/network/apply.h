// Making the planned links real, and making sure none stays behind. Works from outside, while the pod's first process
// is parked in the namespace.
//
// A link is made in the pod's namespace from the first moment (the kernel can do that), under a temporary name because
// kernels before 6.15 compare its name with the host's links, too; inside it gets its own. So the host's list of links
// never changes, and whatever happens a link dies with the pod's namespace.
#pragma once

#include <string>
#include <vector>

#include "network/plan.h"
#include "sys/fd.h"
#include "tank/result.h"

namespace tank::network {

/// Brings the loopback interface up, then every planned link: name, MAC address, MTU, up, addresses, routes. Nothing to
/// do for a pod on the host's network. When it fails, the host is untouched and the namespace is to be thrown away.
/// Runs on the calling thread, whose network namespace is the host. A parent link is used as it is: one that is down is
/// an error, not something to change.
///
/// A MAC address or a parent that the pod's own earlier life still holds (the kernel dismantles a namespace some
/// milliseconds after its last process) is waited for, up to two seconds.
///
/// Error kinds: not_found (no such parent), unavailable (parent is down), invalid (parent cannot carry a macvlan, MTU
/// above the parent's), busy (MAC address or parent taken), unsupported (IPv6 address, kernel without IPv6), denied,
/// kernel.
Result<> apply(const Plan& plan, const sys::NetnsFd& netns);

/// Removes the macvlan links with these names from the calling thread's namespace, if there are any. Idempotent; needs
/// nothing but the names, as the pod's record has them. apply() as it is leaves none.
Result<> undo(const std::vector<std::string>& temporary_names);

}  // namespace tank::network
