#include "network/apply.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <thread>

#include "network/mode.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/netlink.h"
#include "sys/netlink_address.h"
#include "sys/netlink_link.h"

namespace tank::network {

namespace {

constexpr std::chrono::milliseconds kPatience{2000};
constexpr std::chrono::milliseconds kPause{5};

/// The two namespaces that a link is between.
struct Sides {
  sys::NetlinkSocket& host;
  sys::NetlinkSocket& inside;
  const sys::NetnsFd& netns;
};

Result<sys::Link> usable_parent(sys::NetlinkSocket& host, const PlannedLink& link) {
  const std::optional<sys::Link> parent = TRY(sys::find_link(host, link.parent));
  if (!parent) return error(Kind::not_found, "the host has no link '", link.parent, "'");
  if (!parent->is_ethernet) return error(Kind::invalid, "parent '", link.parent, "' is not an Ethernet link");
  // The kernel would take it, and the pod would silently reach nobody.
  if (!parent->is_up) return error(Kind::unavailable, "parent '", link.parent, "' is down");
  if (link.nic.mtu && *link.nic.mtu > parent->mtu) {
    return error(Kind::invalid, "mtu ", *link.nic.mtu, " is more than the ", parent->mtu, " of parent '", link.parent,
                 "'");
  }
  return *parent;
}

/// Repeats what fails with `number` until the patience is at an end. There is no event to wait for: the end of a link
/// in another namespace is announced only there.
Result<> retry_while(int number, const std::function<Result<>()>& attempt) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    Result<> done = attempt();
    if (done || done.error().number() != number || std::chrono::steady_clock::now() >= deadline) return done;
    std::this_thread::sleep_for(kPause);  // habit: sleep; nothing announces it, as said above
  }
}

Result<> create(const PlannedLink& link, const sys::Link& parent, const Sides& sides) {
  sys::NewMacvlan request;
  request.name = link.temporary_name;
  request.parent_index = parent.index;
  request.mode = to_kernel(link.nic.mode);
  request.mtu = link.nic.mtu;
  // EINVAL: a passthru macvlan has the parent for itself, or wants it so and others are there (macvlan_common_newlink).
  Result<> created = retry_while(EINVAL, [&] { return sys::create_macvlan(sides.host, request, sides.netns); });
  // EBUSY: the parent is a part of a bridge or bond, which takes all it receives.
  if (created || (created.error().number() != EINVAL && created.error().number() != EBUSY)) return created;
  return Error(
      Kind::busy, created.error().number(),
      concat("parent '", link.parent, "' is in use in a way that excludes this mode: ", created.error().sentence()));
}

Result<> bring_up(const PlannedLink& link, int index, const Sides& sides) {
  const sys::LinkChange change{link.nic.interface, link.nic.mac};
  Result<> done = retry_while(EADDRINUSE, [&] { return sys::bring_up_link(sides.inside, index, change); });
  if (done || done.error().number() != EADDRINUSE) return done;
  const std::string mac = link.nic.mac ? to_string(*link.nic.mac) : std::string("given by the kernel");
  return Error(Kind::busy, EADDRINUSE, concat("another link on parent '", link.parent, "' has the MAC address ", mac));
}

/// A host may have IPv6 switched off for links to come and still want it for this one, which has an address.
Result<> ensure_ipv6(const PlannedLink& link, const sys::NetnsFd& netns) {
  const auto is_v6 = [](const IpPrefix& prefix) { return prefix.address.family == IpAddress::Family::v6; };
  if (std::none_of(link.nic.addresses.begin(), link.nic.addresses.end(), is_v6)) return {};
  const sys::NetnsVisit visit = TRY(sys::NetnsVisit::enter(netns));
  Result<sys::DirFd> found = sys::open_dir("/proc/sys/net/ipv6/conf/" + link.nic.interface);
  if (!found && found.error().kind() == Kind::not_found) {
    return error(Kind::unsupported, "it has an IPv6 address, and this kernel runs without IPv6");
  }
  const sys::DirFd settings = TRY(std::move(found));
  const sys::Fd disabled = TRY(sys::open_at(settings, "disable_ipv6", O_RDONLY));
  const std::string value = TRY(sys::read_all(disabled, 16));
  if (value == "0\n") return {};
  return sys::write_once(settings, "disable_ipv6", "0").while_doing("switching IPv6 on");
}

Result<> add_routes(const Nic& nic, int index, sys::NetlinkSocket& inside) {
  for (const Route& route : nic.routes) {
    sys::RouteEntry entry;
    entry.index = index;
    entry.destination = route.destination;
    entry.gateway = route.gateway;
    TRY(sys::add_route(inside, entry));
  }
  for (const IpAddress& gateway : nic.gateways) {
    sys::RouteEntry entry;
    entry.index = index;
    entry.destination.address.family = gateway.family;
    entry.gateway = gateway;
    TRY(sys::add_route(inside, entry));
  }
  return {};
}

Result<> attach(const PlannedLink& link, const Sides& sides) {
  const sys::Link parent = TRY(usable_parent(sides.host, link));
  TRY(create(link, parent, sides));
  const std::optional<sys::Link> made = TRY(sys::find_link(sides.inside, link.temporary_name));
  if (!made) return error(Kind::bug, "the new link is not in the pod's namespace");
  TRY(bring_up(link, made->index, sides));
  TRY(ensure_ipv6(link, sides.netns));
  for (const IpPrefix& prefix : link.nic.addresses) {
    const sys::LinkAddress address{made->index, prefix};
    TRY(sys::add_address(sides.inside, address));
  }
  return add_routes(link.nic, made->index, sides.inside);
}

}  // namespace

Result<> apply(const Plan& plan, const sys::NetnsFd& netns) {
  if (plan.name_space == Plan::Namespace::host) return {};
  sys::NetlinkSocket inside = TRY(sys::NetlinkSocket::open_in(netns));
  TRY(sys::bring_up_link(inside, sys::kLoopbackIndex).while_doing("loopback interface"));
  if (plan.links.empty()) return {};
  sys::NetlinkSocket host = TRY(sys::NetlinkSocket::open());
  const Sides sides{host, inside, netns};
  for (const PlannedLink& link : plan.links) {
    TRY(attach(link, sides)
            .while_doing("attaching interface '", link.nic.interface, "' to network '", link.nic.network, "'"));
  }
  return {};
}

Result<> undo(const std::vector<std::string>& temporary_names) {
  if (temporary_names.empty()) return {};
  sys::NetlinkSocket host = TRY(sys::NetlinkSocket::open());
  for (const std::string& name : temporary_names) {
    const std::optional<sys::Link> link = TRY(sys::find_link(host, name));
    if (!link || link->kind != "macvlan") continue;
    Result<> removed = sys::remove_link(host, link->index);
    // Somebody else undoes the same record.
    if (!removed && removed.error().number() == ENODEV) continue;
    TRY(std::move(removed).while_doing("undoing link '", name, "'"));
  }
  return {};
}

}  // namespace tank::network
