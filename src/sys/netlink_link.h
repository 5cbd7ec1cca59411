// Network links by netlink (rtnetlink(7), RTM_*LINK): find, list, make a macvlan, change, remove.
//
// Each call says what the kernel refused and why; what it was for is added by the caller. Links are addressed by index,
// which a rename does not change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"
#include "tank/units.h"

namespace tank::sys {

class NetlinkSocket;

/// The loopback interface is the first link of every namespace (LOOPBACK_IFINDEX).
inline constexpr int kLoopbackIndex = 1;
/// IFNAMSIZ without the terminating zero.
inline constexpr std::size_t kLongestLinkName = 15;

enum class MacvlanMode : std::uint8_t { private_, vepa, bridge, passthru };

struct Link {
  int index = 0;
  std::string name;
  std::string kind;  ///< "macvlan", "veth", …; empty for hardware and loopback
  bool is_up = false;
  bool is_ethernet = false;
  std::uint32_t mtu = 0;
  MacAddress mac;        ///< zero when it has none
  int parent_index = 0;  ///< IFLA_LINK, in whichever namespace the parent is; 0 for none
  std::optional<MacvlanMode> macvlan_mode;
};

Result<std::optional<Link>> find_link(NetlinkSocket& socket, const std::string& name);
Result<std::optional<Link>> find_link(NetlinkSocket& socket, int index);
Result<std::vector<Link>> list_links(NetlinkSocket& socket);

struct NewMacvlan {
  std::string name;
  int parent_index = 0;  ///< in the socket's namespace
  MacvlanMode mode = MacvlanMode::bridge;
  std::optional<std::uint32_t> mtu;  ///< unset: the parent's
};
/// Makes the link inside `target`; it never exists in the socket's own namespace. Still, kernels before 6.15 look
/// whether its name is free in the socket's namespace, too.
Result<> create_macvlan(NetlinkSocket& socket, const NewMacvlan& link, const NetnsFd& target);

struct LinkChange {
  std::string name;               ///< empty: keep
  std::optional<MacAddress> mac;  ///< unset: keep
};
/// Renames, sets the MAC address, then brings the link up. Kind::kernel with EADDRINUSE: another macvlan of the same
/// parent has this MAC address.
Result<> bring_up_link(NetlinkSocket& socket, int index, const LinkChange& change = {});

Result<> remove_link(NetlinkSocket& socket, int index);

}  // namespace tank::sys
