// From a pod to the links it gets, as data: every decision of this room. Pure.
#pragma once

#include <string>
#include <vector>

#include "network/facts.h"
#include "tank/pod.h"
#include "tank/result.h"

namespace tank::network {

struct PlannedLink {
  /// What the link is called between its making and its place in the pod: unique on the host, at most 15 bytes, the
  /// same again for the same uid and position.
  std::string temporary_name;
  std::string parent;  ///< host link; "auto" is resolved
  Nic nic;             ///< routes without a gateway come first, since gateways of the others may lie behind them
};

struct Plan {
  enum class Namespace : std::uint8_t { host, own };
  Namespace name_space = Namespace::own;
  std::vector<PlannedLink> links;  ///< in the order of the pod's NICs
};

/// Checks what the kernel would refuse late or not at all. Error kinds: not_found (parent "auto" and no default route),
/// invalid (the rest: names, duplicates, two default routes of one family, gateways out of reach, MTU, MAC).
Result<Plan> plan(const Pod& pod, const std::string& uid, const HostFacts& host);

/// The temporary name of the link at this position of a pod's NICs. Undo finds links by it, from the pod's uid alone.
std::string temporary_name(const std::string& uid, std::size_t position);

/// The temporary names of a planned pod's links.
std::vector<std::string> temporary_names(const Plan& plan);

}  // namespace tank::network
