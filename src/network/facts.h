// What the rest of the room wants to know of the host, as plain values: read once per bring-up by observe_host()
// (network/observe.h), written as a literal in tests.
#pragma once

#include <string>

#include "tank/pod.h"

namespace tank::network {

struct HostFacts {
  /// The link of the default route: lowest metric in the main table, IPv4 before IPv6. Empty: there is none.
  std::string default_interface;
  /// What /etc/resolv.conf says.
  DnsConfig dns;
  /// The same for a namespace of its own, in which the host's loopback addresses answer nobody: without those
  /// nameservers; when no other is left, what systemd-resolved says that it asks itself.
  DnsConfig reachable_dns;
  /// The text of the files, for pods that are on the host's network.
  std::string resolv_conf;
  std::string hosts;
};

}  // namespace tank::network
