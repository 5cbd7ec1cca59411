#include "sys/netlink_link.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "sys/netlink.h"

namespace tank::sys {

namespace {

std::uint32_t to_kernel(MacvlanMode mode) {
  switch (mode) {
    case MacvlanMode::private_: return MACVLAN_MODE_PRIVATE;
    case MacvlanMode::vepa: return MACVLAN_MODE_VEPA;
    case MacvlanMode::bridge: return MACVLAN_MODE_BRIDGE;
    case MacvlanMode::passthru: return MACVLAN_MODE_PASSTHRU;
  }
  return MACVLAN_MODE_BRIDGE;
}

std::optional<MacvlanMode> mode_from_kernel(std::optional<std::uint32_t> mode) {
  if (mode == MACVLAN_MODE_PRIVATE) return MacvlanMode::private_;
  if (mode == MACVLAN_MODE_VEPA) return MacvlanMode::vepa;
  if (mode == MACVLAN_MODE_BRIDGE) return MacvlanMode::bridge;
  if (mode == MACVLAN_MODE_PASSTHRU) return MacvlanMode::passthru;
  return std::nullopt;
}

std::optional<Link> parse_link(const nlmsghdr& message) {
  const auto* header = find_header<ifinfomsg>(message);
  if (header == nullptr || message.nlmsg_type != RTM_NEWLINK) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof *header);
  const NetlinkAttributes info = attributes.nested(IFLA_LINKINFO);
  Link link;
  link.index = header->ifi_index;
  link.name = attributes.string(IFLA_IFNAME);
  link.kind = info.string(IFLA_INFO_KIND);
  link.is_up = (header->ifi_flags & IFF_UP) != 0;
  link.is_ethernet = header->ifi_type == ARPHRD_ETHER;
  link.mtu = attributes.find_u32(IFLA_MTU).value_or(0);
  const auto mac = attributes.find_bytes(IFLA_ADDRESS);
  if (mac && mac->size() == link.mac.bytes.size()) std::copy(mac->begin(), mac->end(), link.mac.bytes.begin());
  link.parent_index = static_cast<int>(attributes.find_u32(IFLA_LINK).value_or(0));
  if (link.kind == "macvlan")
    link.macvlan_mode = mode_from_kernel(info.nested(IFLA_INFO_DATA).find_u32(IFLA_MACVLAN_MODE));
  return link;
}

/// Asks for links without their statistics, which cost the kernel a walk over all processors.
NetlinkMessage link_question(int index = 0) {
  NetlinkMessage message(RTM_GETLINK, 0);
  ifinfomsg header{};
  header.ifi_index = index;
  message.put_header(header);
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return message;
}

Result<std::optional<Link>> ask_for_link(NetlinkSocket& socket, NetlinkMessage& question) {
  std::optional<Link> found;
  Result<> asked = socket.ask(question, [&](const nlmsghdr& answer) { found = parse_link(answer); });
  if (!asked && asked.error().number() == ENODEV) return std::optional<Link>();
  TRY(std::move(asked));
  return found;
}

}  // namespace

Result<std::optional<Link>> find_link(NetlinkSocket& socket, const std::string& name) {
  if (name.empty() || name.size() > kLongestLinkName) return std::optional<Link>();
  NetlinkMessage message = link_question();
  message.put_string(IFLA_IFNAME, name);
  return ask_for_link(socket, message).while_doing("looking up link '", name, "'");
}

Result<std::optional<Link>> find_link(NetlinkSocket& socket, int index) {
  NetlinkMessage message = link_question(index);
  return ask_for_link(socket, message).while_doing("looking up link ", index);
}

Result<std::vector<Link>> list_links(NetlinkSocket& socket) {
  NetlinkMessage message = link_question();
  return socket.list<Link>(message, &parse_link).while_doing("listing links");
}

Result<> create_macvlan(NetlinkSocket& socket, const NewMacvlan& link, const NetnsFd& target) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.put_header(ifinfomsg{});
  message.put_string(IFLA_IFNAME, link.name);
  message.put_u32(IFLA_LINK, static_cast<std::uint32_t>(link.parent_index));
  message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(target.get()));
  if (link.mtu) message.put_u32(IFLA_MTU, *link.mtu);
  message.put_nested(IFLA_LINKINFO, [&] {
    message.put_string(IFLA_INFO_KIND, "macvlan");
    message.put_nested(IFLA_INFO_DATA, [&] { message.put_u32(IFLA_MACVLAN_MODE, to_kernel(link.mode)); });
  });
  return socket.request(message).while_doing("creating the macvlan link");
}

Result<> bring_up_link(NetlinkSocket& socket, int index, const LinkChange& change) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  ifinfomsg header{};
  header.ifi_index = index;
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  message.put_header(header);
  if (!change.name.empty()) message.put_string(IFLA_IFNAME, change.name);
  if (change.mac) message.put(IFLA_ADDRESS, change.mac->bytes);
  return socket.request(message).while_doing("bringing the link up");
}

Result<> remove_link(NetlinkSocket& socket, int index) {
  NetlinkMessage message(RTM_DELLINK, 0);
  ifinfomsg header{};
  header.ifi_index = index;
  message.put_header(header);
  return socket.request(message).while_doing("removing the link");
}

}  // namespace tank::sys
