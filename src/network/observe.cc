#include "network/observe.h"

#include <algorithm>

#include "network/mode.h"
#include "network/resolver.h"
#include "sys/file.h"
#include "sys/netlink.h"
#include "sys/netlink_address.h"
#include "sys/netlink_link.h"

namespace tank::network {

namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20U;

Result<std::string> read_if_there(const char* path) {
  Result<std::string> text = sys::read_file(path, kLargestFile);
  if (!text && text.error().kind() == Kind::not_found) return std::string();
  return text;
}

/// The index of the link that the best default route of the family leads through, 0 when there is none.
Result<int> default_link_index(sys::NetlinkSocket& socket, IpAddress::Family family) {
  const std::vector<sys::RouteEntry> routes = TRY(sys::list_routes(socket, family));
  const sys::RouteEntry* best = nullptr;
  for (const sys::RouteEntry& route : routes) {
    const bool is_default = route.destination.length == 0 && route.index != 0 && route.index != sys::kLoopbackIndex;
    if (is_default && (best == nullptr || route.metric < best->metric)) best = &route;
  }
  return best == nullptr ? 0 : best->index;
}

Result<std::string> default_interface() {
  sys::NetlinkSocket socket = TRY(sys::NetlinkSocket::open());
  int index = TRY(default_link_index(socket, IpAddress::Family::v4));
  if (index == 0) index = TRY(default_link_index(socket, IpAddress::Family::v6));
  if (index == 0) return std::string();
  const std::optional<sys::Link> link = TRY(sys::find_link(socket, index));
  return link ? link->name : std::string();
}

ObservedLink describe(const sys::Link& link) {
  ObservedLink seen;
  seen.interface = link.name;
  seen.kind = link.kind;
  seen.is_up = link.is_up;
  seen.mac = link.mac;
  seen.mtu = link.mtu;
  if (link.macvlan_mode) seen.mode = from_kernel(*link.macvlan_mode);
  return seen;
}

}  // namespace

Result<HostFacts> observe_host() {
  HostFacts host;
  host.default_interface = TRY(default_interface().while_doing("looking for the host's default route"));
  host.resolv_conf = TRY(read_if_there("/etc/resolv.conf"));
  host.hosts = TRY(read_if_there("/etc/hosts"));
  host.dns = parse_resolv_conf(host.resolv_conf);
  host.reachable_dns = reachable_from_pods(host.dns, {});
  if (host.reachable_dns.nameservers.empty()) {
    // The stub of systemd-resolved listens on 127.0.0.53; this file has the servers behind it.
    const std::string upstream = TRY(read_if_there("/run/systemd/resolve/resolv.conf"));
    host.reachable_dns = reachable_from_pods(host.dns, parse_resolv_conf(upstream));
  }
  return host;
}

Result<Observed> observe(const sys::NetnsFd& netns) {
  sys::NetlinkSocket socket = TRY(sys::NetlinkSocket::open_in(netns));
  std::vector<sys::Link> links = TRY(sys::list_links(socket));
  const std::vector<sys::LinkAddress> addresses = TRY(sys::list_addresses(socket));
  std::vector<sys::RouteEntry> routes = TRY(sys::list_routes(socket, IpAddress::Family::v4));
  const std::vector<sys::RouteEntry> routes_v6 = TRY(sys::list_routes(socket, IpAddress::Family::v6));
  routes.insert(routes.end(), routes_v6.begin(), routes_v6.end());
  std::sort(links.begin(), links.end(), [](const sys::Link& a, const sys::Link& b) { return a.index < b.index; });

  Observed observed;
  for (const sys::Link& link : links) {
    ObservedLink seen = describe(link);
    for (const sys::LinkAddress& address : addresses) {
      if (address.index == link.index) seen.addresses.push_back(address.prefix);
    }
    for (const sys::RouteEntry& route : routes) {
      const bool wanted = route.origin == sys::RouteEntry::Origin::configured;
      if (wanted && route.index == link.index) seen.routes.push_back({route.destination, route.gateway});
    }
    observed.links.push_back(std::move(seen));
  }
  return observed;
}

}  // namespace tank::network
