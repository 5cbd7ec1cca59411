// Limits of containers → directories and lines in cgroup files. Pure: what `create` and `apply_limits` do is all here.
//
// A pod is <hierarchy>/tank/<uid>, a container one leaf in it. On the hybrid layout every leaf stands in the unified
// hierarchy, which a process joins for free as it is cloned (CLONE_INTO_CGROUP); v1 hierarchies are used only for what
// a declared limit needs, because joining one by cgroup.procs waits for an RCU grace period, 10 ms and more.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cgroup/layout.h"
#include "oci/config.h"
#include "sys/bpf.h"
#include "tank/result.h"

namespace tank::cgroup {

/// One write of a value to a file.
struct Row {
  /// Some files exist only where the kernel keeps the books for them (swap) or is new enough (memory.oom.group).
  enum class Presence : std::uint8_t { required, where_it_exists };
  std::string limit;  ///< what was asked for, as people know it: "memory limit"
  std::filesystem::path file;
  std::string value;
  Presence presence = Presence::required;
};

struct LeafPlan {
  std::string container;
  std::filesystem::path unified_directory;            ///< empty where there is no unified hierarchy
  std::vector<std::filesystem::path> v1_directories;  ///< the ones to join
  std::vector<Row> rows;                              ///< in order
  std::vector<sys::bpf::Instruction> device_program;  ///< empty: none
};

/// A controller to enable from the root of the unified hierarchy down to the pod.
struct Controller {
  enum class Need : std::uint8_t { limit, accounting };
  std::string name;
  Need need = Need::accounting;  ///< what is for accounting only may be refused
};

struct Plan {
  std::string uid;
  std::filesystem::path unified_root;  ///< the mount point, or empty
  std::filesystem::path unified_pod;   ///< <unified_root>/tank/<uid>, or empty
  std::vector<std::filesystem::path> v1_pods;
  std::vector<Controller> controllers;
  std::vector<Row> pod_rows;  ///< the pod's share of the processor against other pods
  std::vector<LeafPlan> leaves;
};

using Limits = std::vector<std::pair<std::string, oci::Resources>>;

/// Error kinds: invalid (names, numbers), unsupported (a limit that no hierarchy of this machine has a controller for).
Result<Plan> plan(const Layout& layout, const std::string& uid, const Limits& limits);

/// Checked names. uid: [a-z0-9-]{1,63}; container: a DNS label. Error kind: invalid.
Result<> check_uid(std::string_view uid);
Result<> check_container(std::string_view container);

/// The directory for a pod or a container. It is the name, but for "tasks": v1 hierarchies have a file of that name.
std::string directory_name(const std::string& name);

/// cpu.shares (2 … 262144, 1024 is the default) as cpu.weight (1 … 10000), by the line that runc 1.1, crun 1.8 and
/// KEP-2254 draw between the two ranges' ends.
std::uint64_t weight_from_shares(std::uint64_t shares);

}  // namespace tank::cgroup
