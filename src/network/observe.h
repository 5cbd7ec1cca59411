// Reading back: what the host offers to pods, and what stands in a namespace, as data for decisions, tests and the
// detection of drift.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "network/facts.h"
#include "sys/fd.h"
#include "tank/pod.h"
#include "tank/result.h"

namespace tank::network {

/// Reads the default route of the calling thread's namespace and the host's /etc/resolv.conf and /etc/hosts. A missing
/// file is an empty one. Error kinds: invalid (a file over 1 MiB), denied, kernel.
Result<HostFacts> observe_host();

struct ObservedLink {
  std::string interface;
  std::string kind;  ///< "macvlan"; empty for loopback
  bool is_up = false;
  MacAddress mac;
  std::uint32_t mtu = 0;
  std::optional<Nic::Mode> mode;    ///< of a macvlan
  std::vector<IpPrefix> addresses;  ///< including IPv6 link-local ones
  std::vector<Route> routes;        ///< main table, without those the kernel makes for the subnets of addresses
};

struct Observed {
  std::vector<ObservedLink> links;  ///< by index: loopback first, then as they were made
};

Result<Observed> observe(const sys::NetnsFd& netns);

}  // namespace tank::network
