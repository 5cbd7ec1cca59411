#include "sys/netlink_address.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "sys/netlink.h"

namespace tank::sys {

namespace {

unsigned char to_kernel(IpAddress::Family family) { return family == IpAddress::Family::v4 ? AF_INET : AF_INET6; }

std::span<const std::uint8_t> bytes_of(const IpAddress& address) {
  return std::span(address.bytes).first(address.size());
}

std::optional<IpAddress> parse_address(int family, const std::optional<std::span<const std::uint8_t>>& bytes) {
  IpAddress address;
  address.family = family == AF_INET ? IpAddress::Family::v4 : IpAddress::Family::v6;
  if (!bytes || bytes->size() != address.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), address.bytes.begin());
  return address;
}

/// The last address of the subnet; none for subnets too small to have one (RFC 3021).
std::optional<IpAddress> broadcast_of(const IpPrefix& prefix) {
  if (prefix.address.family != IpAddress::Family::v4 || prefix.length > 30) return std::nullopt;
  IpAddress last = prefix.address;
  for (unsigned bit = prefix.length; bit < 32; ++bit) {
    last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | (0x80U >> (bit % 8)));
  }
  return last;
}

std::optional<LinkAddress> parse_link_address(const nlmsghdr& message) {
  const auto* header = find_header<ifaddrmsg>(message);
  if (header == nullptr || message.nlmsg_type != RTM_NEWADDR) return std::nullopt;
  if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof *header);
  // On a point-to-point link IFA_ADDRESS is the other end; IFA_LOCAL, where present, is always our own.
  auto bytes = attributes.find_bytes(IFA_LOCAL);
  if (!bytes) bytes = attributes.find_bytes(IFA_ADDRESS);
  const auto address = parse_address(header->ifa_family, bytes);
  if (!address) return std::nullopt;
  return LinkAddress{static_cast<int>(header->ifa_index), IpPrefix{*address, header->ifa_prefixlen}};
}

/// The first hop of a multipath route: its link and gateway.
void parse_first_hop(std::span<const std::uint8_t> hops, int family, RouteEntry& route) {
  if (hops.size() < sizeof(rtnexthop)) return;
  rtnexthop hop{};
  std::memcpy(&hop, hops.data(), sizeof hop);
  route.index = hop.rtnh_ifindex;
  const std::size_t end = std::min<std::size_t>(hop.rtnh_len, hops.size());
  if (end < sizeof hop + sizeof(rtattr) + 4) return;
  rtattr first{};
  std::memcpy(&first, hops.data() + sizeof hop, sizeof first);
  if (first.rta_type != RTA_GATEWAY || first.rta_len < sizeof first || first.rta_len > end - sizeof hop) return;
  route.gateway = parse_address(family, hops.subspan(sizeof hop + sizeof first, first.rta_len - sizeof first));
}

std::optional<RouteEntry> parse_route(const nlmsghdr& message) {
  const auto* header = find_header<rtmsg>(message);
  if (header == nullptr || message.nlmsg_type != RTM_NEWROUTE || header->rtm_type != RTN_UNICAST) return std::nullopt;
  if (header->rtm_table != RT_TABLE_MAIN || (header->rtm_flags & (RTNH_F_DEAD | RTM_F_CLONED)) != 0)
    return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof *header);
  RouteEntry route;
  route.destination.address.family = header->rtm_family == AF_INET ? IpAddress::Family::v4 : IpAddress::Family::v6;
  route.destination.length = header->rtm_dst_len;
  if (const auto address = parse_address(header->rtm_family, attributes.find_bytes(RTA_DST))) {
    route.destination.address = *address;
  }
  route.gateway = parse_address(header->rtm_family, attributes.find_bytes(RTA_GATEWAY));
  route.index = static_cast<int>(attributes.find_u32(RTA_OIF).value_or(0));
  if (const auto hops = attributes.find_bytes(RTA_MULTIPATH)) parse_first_hop(*hops, header->rtm_family, route);
  route.metric = attributes.find_u32(RTA_PRIORITY).value_or(0);
  if (header->rtm_protocol == RTPROT_KERNEL) route.origin = RouteEntry::Origin::kernel;
  return route;
}

}  // namespace

Result<> add_address(NetlinkSocket& socket, const LinkAddress& address) {
  NetlinkMessage message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  ifaddrmsg header{};
  header.ifa_family = to_kernel(address.prefix.address.family);
  header.ifa_prefixlen = address.prefix.length;
  header.ifa_index = static_cast<std::uint32_t>(address.index);
  // Means nothing to IPv4. Without it an IPv6 address could not be bound to for a second or more.
  header.ifa_flags = IFA_F_NODAD;
  message.put_header(header);
  message.put(IFA_LOCAL, bytes_of(address.prefix.address));
  message.put(IFA_ADDRESS, bytes_of(address.prefix.address));
  if (const auto broadcast = broadcast_of(address.prefix)) message.put(IFA_BROADCAST, bytes_of(*broadcast));
  return socket.request(message).while_doing("adding address ", to_string(address.prefix));
}

Result<std::vector<LinkAddress>> list_addresses(NetlinkSocket& socket) {
  NetlinkMessage message(RTM_GETADDR, 0);
  message.put_header(ifaddrmsg{});
  return socket.list<LinkAddress>(message, &parse_link_address).while_doing("listing addresses");
}

Result<> add_route(NetlinkSocket& socket, const RouteEntry& route) {
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  rtmsg header{};
  header.rtm_family = to_kernel(route.destination.address.family);
  header.rtm_dst_len = route.destination.length;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  header.rtm_type = RTN_UNICAST;
  message.put_header(header);
  if (route.destination.length > 0) message.put(RTA_DST, bytes_of(route.destination.address));
  if (route.gateway) message.put(RTA_GATEWAY, bytes_of(*route.gateway));
  message.put_u32(RTA_OIF, static_cast<std::uint32_t>(route.index));
  const std::string via = route.gateway ? " via " + to_string(*route.gateway) : std::string();
  return socket.request(message).while_doing("adding route ", to_string(route.destination), via);
}

Result<std::vector<RouteEntry>> list_routes(NetlinkSocket& socket, IpAddress::Family family) {
  NetlinkMessage message(RTM_GETROUTE, 0);
  rtmsg header{};
  header.rtm_family = to_kernel(family);
  header.rtm_table = RT_TABLE_MAIN;
  message.put_header(header);
  Result<std::vector<RouteEntry>> routes = socket.list<RouteEntry>(message, &parse_route);
  // ENOENT: nobody has used the table in this namespace yet. EOPNOTSUPP: a kernel without this address family.
  if (!routes && (routes.error().number() == ENOENT || routes.error().number() == EOPNOTSUPP)) {
    return std::vector<RouteEntry>();
  }
  return std::move(routes).while_doing("listing routes");
}

}  // namespace tank::sys
