#include "network/plan.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "network/prefix.h"
#include "sys/netlink_link.h"

namespace tank::network {

namespace {

constexpr std::uint32_t kLeastMtu = 68;        // RFC 791
constexpr std::uint32_t kLeastIpv6Mtu = 1280;  // RFC 8200, section 5; below it the kernel drops IPv6 from the link
constexpr std::uint32_t kMostMtu = 65535;

/// What the kernel takes as a link name (dev_valid_name), less what would be special in it: "lo" is taken, "all" and
/// "default" are the names of settings for every link, and % makes the name a pattern.
bool is_link_name(std::string_view name) {
  if (name.empty() || name.size() > sys::kLongestLinkName) return false;
  for (const std::string_view taken : {".", "..", "lo", "all", "default"}) {
    if (name == taken) return false;
  }
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%'; });
}

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

bool is_on_link(const Nic& nic, const IpAddress& gateway) {
  if (is_link_local(gateway)) return true;
  const auto covers = [&](const IpPrefix& prefix) { return contains(prefix, gateway); };
  const auto covers_directly = [&](const Route& route) {
    return !route.gateway && contains(route.destination, gateway);
  };
  return std::any_of(nic.addresses.begin(), nic.addresses.end(), covers) ||
         std::any_of(nic.routes.begin(), nic.routes.end(), covers_directly);
}

Result<> check_gateway(const Nic& nic, const IpAddress& gateway) {
  if (is_on_link(nic, gateway)) return {};
  return error(Kind::invalid, "gateway ", to_string(gateway), " is in the subnet of none of its addresses");
}

Result<> check_route(const Nic& nic, const Route& route) {
  const std::string destination = to_string(route.destination);
  if (!is_network(route.destination)) {
    return error(Kind::invalid, "route ", destination, " has bits set beyond its prefix length");
  }
  if (!route.gateway) return {};
  if (route.gateway->family != route.destination.address.family) {
    return error(Kind::invalid, "route ", destination, " and its gateway ", to_string(*route.gateway),
                 " are of different address families");
  }
  return check_gateway(nic, *route.gateway).while_doing("route ", destination);
}

Result<> check_mtu(const Nic& nic) {
  if (!nic.mtu) return {};
  const bool has_v6 = std::any_of(nic.addresses.begin(), nic.addresses.end(), [](const IpPrefix& prefix) {
    return prefix.address.family == IpAddress::Family::v6;
  });
  const std::uint32_t least = has_v6 ? kLeastIpv6Mtu : kLeastMtu;
  if (*nic.mtu >= least && *nic.mtu <= kMostMtu) return {};
  return error(Kind::invalid, "mtu ", *nic.mtu, " is outside ", least, " to ", kMostMtu,
               has_v6 ? " (it has IPv6)" : "");
}

Result<> check_addresses(const Nic& nic) {
  for (const IpPrefix& prefix : nic.addresses) {
    if (!is_assignable(prefix.address) || prefix.length == 0) {
      return error(Kind::invalid, to_string(prefix), " cannot be the address of an interface");
    }
  }
  return {};
}

Result<> check_nic(const Nic& nic) {
  if (!is_link_name(nic.interface)) return error(Kind::invalid, "it cannot be the name of an interface");
  TRY(check_mtu(nic));
  TRY(check_addresses(nic));
  for (const Route& route : nic.routes) TRY(check_route(nic, route));
  for (const IpAddress& gateway : nic.gateways) TRY(check_gateway(nic, gateway));
  return {};
}

/// What may be there only once in a pod.
struct Taken {
  std::set<std::string> interfaces;
  std::set<IpAddress> addresses;
  std::array<std::string, 2> default_routes;  ///< by family: the interface that has it
};

Result<> take_default_route(const Nic& nic, IpAddress::Family family, Taken& taken) {
  std::string& holder = taken.default_routes.at(static_cast<std::size_t>(family));
  if (!holder.empty()) {
    return error(Kind::invalid, "a second ", family == IpAddress::Family::v4 ? "IPv4" : "IPv6",
                 " default route: interface '", holder, "' has one already");
  }
  holder = nic.interface;
  return {};
}

Result<> take(const Nic& nic, Taken& taken) {
  if (!taken.interfaces.insert(nic.interface).second) return error(Kind::invalid, "the name is used twice");
  for (const IpPrefix& prefix : nic.addresses) {
    if (!taken.addresses.insert(prefix.address).second) {
      return error(Kind::invalid, "address ", to_string(prefix.address), " is used twice");
    }
  }
  for (const IpAddress& gateway : nic.gateways) TRY(take_default_route(nic, gateway.family, taken));
  for (const Route& route : nic.routes) {
    if (route.destination.length == 0) TRY(take_default_route(nic, route.destination.address.family, taken));
  }
  return {};
}

Result<std::string> resolve_parent(const Nic& nic, const HostFacts& host) {
  if (nic.parent != "auto") return nic.parent;
  if (!host.default_interface.empty()) return host.default_interface;
  return error(Kind::not_found,
               "parent \"auto\" is the link of the host's default route, and the host has no default route");
}

Result<PlannedLink> plan_link(const Nic& nic, std::string name, const HostFacts& host, Taken& taken) {
  TRY(check_nic(nic));
  TRY(take(nic, taken));
  PlannedLink link;
  link.temporary_name = std::move(name);
  link.parent = TRY(resolve_parent(nic, host));
  link.nic = nic;
  std::stable_partition(link.nic.routes.begin(), link.nic.routes.end(),
                        [](const Route& route) { return !route.gateway; });
  return link;
}

}  // namespace

// "tank-" and ten digits of 5 bits each.
std::string temporary_name(const std::string& uid, std::size_t position) {
  static constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  std::uint64_t hash = fnv1a(concat(uid, "/", position));
  hash ^= hash >> 32U;  // FNV-1a mixes the last bytes of its input into the upper half the least
  std::string name = "tank-";
  for (int i = 0; i < 10; ++i, hash >>= 5U) name += kDigits[hash & 31U];
  return name;
}

Result<Plan> plan(const Pod& pod, const std::string& uid, const HostFacts& host) {
  Plan result;
  result.name_space = pod.host_network ? Plan::Namespace::host : Plan::Namespace::own;
  if (pod.host_network && !pod.nics.empty()) {
    return error(Kind::invalid, "planning the network: a pod on the host's network cannot have interfaces of its own");
  }
  Taken taken;
  for (const Nic& nic : pod.nics) {
    PlannedLink link = TRY(plan_link(nic, temporary_name(uid, result.links.size()), host, taken)
                               .while_doing("planning interface '", nic.interface, "' of network '", nic.network, "'"));
    result.links.push_back(std::move(link));
  }
  return result;
}

std::vector<std::string> temporary_names(const Plan& plan) {
  std::vector<std::string> names;
  for (const PlannedLink& link : plan.links) names.push_back(link.temporary_name);
  return names;
}

}  // namespace tank::network
