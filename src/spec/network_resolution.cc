// From attachments and definitions to the Nics of a pod. Which default route wins is told in network.h.
#include <algorithm>
#include <set>

#include "spec/nearest.h"
#include "spec/network.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

using Family = IpAddress::Family;

std::uint8_t byte_mask(std::size_t bits) { return static_cast<std::uint8_t>(bits >= 8 ? 0xffU : 0xff00U >> bits); }

bool contains(const IpPrefix& prefix, const IpAddress& address) {
  if (prefix.address.family != address.family) return false;
  std::size_t bits = prefix.length;
  for (std::size_t i = 0; i < address.size() && bits > 0; ++i) {
    const std::uint8_t mask = byte_mask(bits);
    if ((prefix.address.bytes[i] & mask) != (address.bytes[i] & mask)) return false;
    bits -= std::min<std::size_t>(bits, 8);
  }
  return true;
}

IpPrefix without_host_bits(IpPrefix prefix) {
  for (std::size_t i = 0; i < prefix.address.size(); ++i) {
    const std::size_t before = i * 8;
    prefix.address.bytes[i] &= byte_mask(prefix.length > before ? prefix.length - before : 0);
  }
  return prefix;
}

bool is_usable(const IpAddress& address) {
  const bool is_zero =
      std::all_of(address.bytes.begin(), address.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
  const bool is_multicast = address.family == Family::v4 ? address.bytes[0] >= 224 : address.bytes[0] == 0xff;
  return !is_zero && !is_multicast;
}

bool is_link_local(const IpAddress& address) {
  return address.family == Family::v6 && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0U) == 0x80U;
}

/// Who says that a default route goes through a Nic; the strongest claim of the pod wins.
enum class Claim : std::uint8_t { none, address, route, annotation };

struct DefaultRoute {
  Claim claim = Claim::none;
  std::optional<IpAddress> gateway;  ///< unset: the link itself
};

struct Draft {
  Nic nic;
  Place place;
  DefaultRoute defaults[2];  ///< by family
};

DefaultRoute& default_of(Draft& draft, Family family) { return draft.defaults[family == Family::v4 ? 0 : 1]; }

/// The gateways that are still reachable when the annotation replaced the addresses.
std::vector<IpAddress> usable_gateways(const Network& network, const std::vector<IpPrefix>& addresses) {
  std::vector<IpAddress> out;
  for (const StaticAddress& address : network.addresses) {
    if (!address.gateway) continue;
    const auto reaches = [&](const IpPrefix& own) {
      return contains(own, *address.gateway) || is_link_local(*address.gateway);
    };
    if (std::any_of(addresses.begin(), addresses.end(), reaches)) out.push_back(*address.gateway);
  }
  return out;
}

std::optional<IpAddress> first_of(const std::vector<IpAddress>& gateways, Family family) {
  const auto found =
      std::find_if(gateways.begin(), gateways.end(), [&](const IpAddress& g) { return g.family == family; });
  return found == gateways.end() ? std::nullopt : std::optional(*found);
}

void add_routes(const Network& network, Draft& draft) {
  const std::vector<IpAddress> gateways = usable_gateways(network, draft.nic.addresses);
  bool has_routes[2] = {};
  for (const StaticRoute& route : network.routes) {
    const Family family = route.destination.address.family;
    has_routes[family == Family::v4 ? 0 : 1] = true;
    const auto gateway = route.gateway ? route.gateway : first_of(gateways, family);
    if (route.destination.length > 0) {
      draft.nic.routes.push_back(Route{without_host_bits(route.destination), gateway});
    } else if (DefaultRoute& existing = default_of(draft, family); existing.claim == Claim::none) {
      existing = DefaultRoute{Claim::route, gateway};
    } else {
      draft.place.refuse("the network ", draft.nic.network, " has two default routes of one address family");
    }
  }
  for (const Family family : {Family::v4, Family::v6}) {
    const auto gateway = first_of(gateways, family);
    if (gateway && !has_routes[family == Family::v4 ? 0 : 1])
      default_of(draft, family) = DefaultRoute{Claim::address, gateway};
  }
}

void check_addresses(const Draft& draft) {
  const Nic& nic = draft.nic;
  if (nic.addresses.empty()) {
    draft.place.refuse("the network ", nic.network, " gives no address: give it ipam.addresses, or ips here");
  }
  std::set<IpAddress> seen;
  for (const IpPrefix& prefix : nic.addresses) {
    if (!is_usable(prefix.address)) draft.place.refuse(to_string(prefix), " is not an address for one interface");
    if (!seen.insert(prefix.address).second)
      draft.place.refuse("the address ", to_string(prefix.address), " is given twice");
    const bool too_small = prefix.address.family == Family::v6 && nic.mtu.value_or(1280) < 1280;
    if (too_small)
      draft.place.refuse("IPv6 needs an mtu of at least 1280, and the network ", nic.network, " has ", *nic.mtu);
  }
}

void check_gateway(const Draft& draft, const IpAddress& gateway) {
  const auto reaches = [&](const IpPrefix& own) {
    return contains(own, gateway) || (is_link_local(gateway) && own.address.family == Family::v6);
  };
  if (std::any_of(draft.nic.addresses.begin(), draft.nic.addresses.end(), reaches)) return;
  draft.place.refuse("the gateway ", to_string(gateway), " is in no subnet of this interface on the network ",
                     draft.nic.network);
}

Draft make_draft(const Attachment& attachment, const Network& network, std::size_t index) {
  Draft out;
  out.place = attachment.place;
  out.nic.network = attachment.key();
  out.nic.interface = attachment.interface.empty() ? concat("net", index + 1) : attachment.interface;
  out.nic.parent = network.parent;
  out.nic.mode = network.mode;
  out.nic.mtu = network.mtu;
  out.nic.mac = attachment.mac ? attachment.mac : network.mac;
  out.nic.dns = network.dns;
  out.nic.addresses = attachment.addresses;
  if (out.nic.addresses.empty()) {
    for (const StaticAddress& address : network.addresses) out.nic.addresses.push_back(address.address);
  }
  add_routes(network, out);
  for (const IpAddress& gateway : attachment.default_routes) {
    default_of(out, gateway.family) = DefaultRoute{Claim::annotation, gateway};
  }
  check_addresses(out);
  for (const Route& route : out.nic.routes) {
    if (route.gateway) check_gateway(out, *route.gateway);
  }
  return out;
}

/// The strongest claim on the default route of the family; the first of equals. Two that were written down contradict.
Draft* find_winner(std::vector<Draft>& drafts, Family family) {
  Draft* winner = nullptr;
  for (Draft& draft : drafts) {
    const Claim best = winner == nullptr ? Claim::none : default_of(*winner, family).claim;
    if (default_of(draft, family).claim > best) winner = &draft;
  }
  if (winner == nullptr || default_of(*winner, family).claim == Claim::address) return winner;
  for (Draft& draft : drafts) {
    if (&draft == winner || default_of(draft, family).claim != default_of(*winner, family).claim) continue;
    draft.place.refuse("the pod has a default route of this address family already, through ", winner->nic.interface);
  }
  return winner;
}

/// Lets one Nic of the pod have the default route of the family.
void settle_default_route(std::vector<Draft>& drafts, Family family) {
  Draft* winner = find_winner(drafts, family);
  if (winner == nullptr) return;
  const auto& gateway = default_of(*winner, family).gateway;
  if (gateway) {
    check_gateway(*winner, *gateway);
    winner->nic.gateways.push_back(*gateway);
  } else {
    IpPrefix everything;
    everything.address.family = family;
    winner->nic.routes.push_back(Route{everything, std::nullopt});
  }
}

void refuse_unknown(const Attachment& attachment, const Networks& networks) {
  Nearest nearest(attachment.key());
  for (const auto& [key, network] : networks) nearest.consider(key);
  attachment.place.refuse("no NetworkAttachmentDefinition ", in_quotes(attachment.key()), " in this file",
                          nearest.hint());
}

}  // namespace

std::vector<Nic> resolve_attachments(const std::vector<Attachment>& attachments, const Networks& networks) {
  std::vector<Draft> drafts;
  std::set<std::string> interfaces;
  for (std::size_t i = 0; i < attachments.size(); ++i) {
    const auto found = networks.find(attachments[i].key());
    if (found == networks.end()) {
      if (!attachments[i].name.empty()) refuse_unknown(attachments[i], networks);
      continue;
    }
    if (!found->second.is_sound) continue;
    Draft& draft = drafts.emplace_back(make_draft(attachments[i], found->second, i));
    const bool is_new = interfaces.insert(draft.nic.interface).second;
    if (!is_new) draft.place.refuse("the pod has an interface ", in_quotes(draft.nic.interface), " already");
  }
  settle_default_route(drafts, Family::v4);
  settle_default_route(drafts, Family::v6);
  std::vector<Nic> out;
  for (Draft& draft : drafts) out.push_back(std::move(draft.nic));
  return out;
}

}  // namespace tank::spec
