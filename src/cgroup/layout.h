// Where this machine keeps its cgroup hierarchies, and which way of limiting devices it has. Pure v2 has one unified
// mount with every controller; the hybrid layout has v1 mounts that own the controllers beside a unified one that
// tracks processes; pure v1 has no unified mount. See cgroups(7).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "tank/result.h"

namespace tank::cgroup {

/// What carries device rules out.
enum class DeviceControl : std::uint8_t {
  none,
  bpf,  ///< a program attached to the cgroup of the unified hierarchy
  v1,   ///< the devices controller
};

struct Layout {
  std::filesystem::path unified;                    ///< mount point of the unified hierarchy; empty: there is none
  std::map<std::string, std::filesystem::path> v1;  ///< controller → mount point of its v1 hierarchy
  std::set<std::string> unified_controllers;        ///< what the root of the unified hierarchy offers
  DeviceControl devices = DeviceControl::none;
  std::string parent = "tank";  ///< the cgroup, in every hierarchy used, that all pods are below
};

/// Reads /proc/self/mountinfo and asks the kernel what is needed beyond it; some tens of microseconds, so read it once.
/// Kind::unsupported when no cgroup hierarchy is mounted.
Result<Layout> observe_layout();

/// The mounts alone, from the text of a mountinfo file (proc_pid_mountinfo(5)): `unified` and `v1`. Of several mounts
/// of one hierarchy the one below /sys/fs/cgroup counts, else the first; mounts covered by a later one do not.
Result<Layout> parse_mountinfo(std::string_view text);

/// One line for people, as in "hybrid: unified at /sys/fs/cgroup/unified, v1 for cpu memory pids; devices by bpf".
std::string to_string(const Layout& layout);

}  // namespace tank::cgroup
