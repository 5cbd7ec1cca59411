// Addresses and routes by netlink (rtnetlink(7), RTM_*ADDR and RTM_*ROUTE), IPv4 and IPv6 alike. Only the main routing
// table and unicast routes are of interest.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tank/result.h"
#include "tank/units.h"

namespace tank::sys {

class NetlinkSocket;

struct LinkAddress {
  int index = 0;  ///< of the link
  IpPrefix prefix;
};

/// IPv6 addresses are usable at once: duplicate address detection is left out. Kind::exists when it is there already.
Result<> add_address(NetlinkSocket& socket, const LinkAddress& address);
Result<std::vector<LinkAddress>> list_addresses(NetlinkSocket& socket);

struct RouteEntry {
  /// Who made the route: the kernel itself, for the subnet of an address, or somebody who wanted it.
  enum class Origin : std::uint8_t { kernel, configured };
  int index = 0;  ///< of the link it leaves by; of the first one for a multipath route
  IpPrefix destination;
  std::optional<IpAddress> gateway;
  std::uint32_t metric = 0;
  Origin origin = Origin::configured;
};

/// Metric and origin are the kernel's defaults. Kind::exists when there is one to the same destination.
Result<> add_route(NetlinkSocket& socket, const RouteEntry& route);
/// Unicast routes of the main table that lead through a living link.
Result<std::vector<RouteEntry>> list_routes(NetlinkSocket& socket, IpAddress::Family family);

}  // namespace tank::sys
