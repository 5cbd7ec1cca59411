#include "cgroup/plan.h"

#include <algorithm>
#include <map>
#include <optional>

#include "cgroup/devices.h"

namespace tank::cgroup {

namespace {

constexpr std::uint64_t kLeastShares = 2;
constexpr std::uint64_t kMostShares = 262144;
constexpr std::uint64_t kDefaultPeriod = 100000;
constexpr std::int64_t kLeastQuota = 1000;  // microseconds; the kernel takes no less, nor other periods than these
constexpr std::uint64_t kLeastPeriod = 1000;
constexpr std::uint64_t kMostPeriod = 1000000;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

/// One leaf in the making: where the rows of a controller go, and what that brings with it.
class LeafWriter {
 public:
  LeafWriter(const Layout& layout, const std::string& pod, LeafPlan& leaf,
             std::map<std::string, Controller::Need>& needed)
      : layout_(layout),
        leaf_(leaf),
        below_(std::filesystem::path(layout.parent) / pod / directory_name(leaf.container)),
        needed_(needed) {
    if (!layout.unified.empty()) leaf.unified_directory = layout.unified / below_;
  }

  enum class Version : std::uint8_t { v1, v2 };

  /// Which version's files to write for a limit. A v1 hierarchy that owns the controller is joined.
  Result<Version> use(const std::string& controller, std::string_view limit) {
    limit_ = limit;
    if (const auto found = layout_.v1.find(controller); found != layout_.v1.end()) {
      join(found->second);
      return Version::v1;
    }
    if (!layout_.unified_controllers.contains(controller)) {
      return error(Kind::unsupported, limit, " of container '", leaf_.container, "': no mounted hierarchy has the ",
                   controller, " controller");
    }
    needed_[controller] = Controller::Need::limit;
    directory_ = leaf_.unified_directory;
    return Version::v2;
  }

  void join(const std::filesystem::path& mount) {
    directory_ = mount / below_;
    auto& joined = leaf_.v1_directories;
    if (std::find(joined.begin(), joined.end(), directory_) == joined.end()) joined.push_back(directory_);
  }

  void row(std::string_view file, std::string value, Row::Presence presence = Row::Presence::required) {
    leaf_.rows.push_back({std::string(limit_), directory_ / file, std::move(value), presence});
  }

 private:
  const Layout& layout_;
  LeafPlan& leaf_;
  std::filesystem::path below_;
  std::map<std::string, Controller::Need>& needed_;
  std::filesystem::path directory_;
  std::string_view limit_;
};

using Version = LeafWriter::Version;

std::string swap_text(const oci::Resources& wanted, std::int64_t less) {
  if (*wanted.memory_swap < 0) return "max";
  return std::to_string(*wanted.memory_swap - less);
}

Result<> check_memory(const std::string& container, const oci::Resources& wanted) {
  const auto wrong = [&](std::string_view what) {
    return error(Kind::invalid, "memory limit of container '", container, "': ", what);
  };
  const std::int64_t limit = wanted.memory_limit.value_or(-1);
  if (limit < -1 || limit == 0) return wrong("it is neither positive nor -1");
  if (wanted.memory_reservation.value_or(0) < -1) return wrong("the reservation is negative");
  if (!wanted.memory_swap || *wanted.memory_swap == -1) return {};
  if (limit < 0) return wrong("swap is limited but memory is not");
  if (*wanted.memory_swap < limit) return wrong("memory and swap together are less than memory alone");
  return {};
}

/// A fresh cgroup is unlimited, so "unlimited" needs no row. Memory that is limited gets no swap on top unless asked
/// for: what was declared is what the container has.
Result<> plan_memory(LeafWriter& leaf, const std::string& container, const oci::Resources& wanted) {
  TRY(check_memory(container, wanted));
  const std::int64_t limit = wanted.memory_limit.value_or(-1);
  if (limit >= 0) {
    const Version version = TRY(leaf.use("memory", "memory limit"));
    const bool swap_given = wanted.memory_swap.has_value();
    if (version == Version::v2) {
      leaf.row("memory.swap.max", swap_given ? swap_text(wanted, limit) : "0", Row::Presence::where_it_exists);
      leaf.row("memory.oom.group", "1", Row::Presence::where_it_exists);
      leaf.row("memory.max", std::to_string(limit));
    } else {
      // The sum may never be less than its part: memory first.
      leaf.row("memory.limit_in_bytes", std::to_string(limit));
      const std::string sum = std::to_string(wanted.memory_swap.value_or(limit));
      leaf.row("memory.memsw.limit_in_bytes", sum, Row::Presence::where_it_exists);
    }
  }
  const std::int64_t reserved = wanted.memory_reservation.value_or(-1);
  if (reserved > 0) {
    const Version version = TRY(leaf.use("memory", "memory reservation"));
    // Best effort by nature; kernels for real-time use are without soft limits.
    leaf.row(version == Version::v2 ? "memory.low" : "memory.soft_limit_in_bytes", std::to_string(reserved),
             version == Version::v2 ? Row::Presence::required : Row::Presence::where_it_exists);
  }
  return {};
}

Result<> check_cpu(const std::string& container, const oci::Resources& wanted) {
  const auto wrong = [&](std::string_view what) {
    return error(Kind::invalid, "cpu limit of container '", container, "': ", what);
  };
  const std::int64_t quota = wanted.cpu_quota.value_or(-1);
  const std::uint64_t period = wanted.cpu_period.value_or(kDefaultPeriod);
  if (quota != -1 && quota < kLeastQuota) return wrong("the kernel takes no quota below 1000 microseconds");
  if (period < kLeastPeriod || period > kMostPeriod) return wrong("the period is not 1 millisecond to 1 second");
  const std::uint64_t shares = wanted.cpu_shares.value_or(kLeastShares);
  if (shares < kLeastShares || shares > kMostShares) return wrong("the shares are not 2 to 262144");
  return {};
}

Result<> plan_cpu(LeafWriter& leaf, const std::string& container, const oci::Resources& wanted) {
  TRY(check_cpu(container, wanted));
  const std::int64_t quota = wanted.cpu_quota.value_or(-1);
  const std::uint64_t period = wanted.cpu_period.value_or(kDefaultPeriod);
  if (quota >= 0) {
    const Version version = TRY(leaf.use("cpu", "cpu limit"));
    if (version == Version::v2) {
      leaf.row("cpu.max", concat(quota, " ", period));
    } else {
      leaf.row("cpu.cfs_period_us", std::to_string(period));
      leaf.row("cpu.cfs_quota_us", std::to_string(quota));
    }
  }
  if (wanted.cpu_shares) {
    const Version version = TRY(leaf.use("cpu", "cpu share"));
    if (version == Version::v2) {
      leaf.row("cpu.weight", std::to_string(weight_from_shares(*wanted.cpu_shares)));
    } else {
      leaf.row("cpu.shares", std::to_string(*wanted.cpu_shares));
    }
  }
  return {};
}

Result<> plan_pids(LeafWriter& leaf, const oci::Resources& wanted) {
  // 0 is unlimited, as podman and runc have it: no process at all is nothing anybody asks for.
  if (wanted.pids_limit.value_or(0) <= 0) return {};
  TRY(leaf.use("pids", "pids limit"));
  leaf.row("pids.max", std::to_string(*wanted.pids_limit));
  return {};
}

Result<> plan_devices(const Layout& layout, LeafWriter& writer, LeafPlan& leaf, const oci::Resources& wanted) {
  TRY(check_device_rules(wanted.devices).while_doing("container '", leaf.container, "'"));
  if (!confines(wanted.devices)) return {};
  switch (layout.devices) {
    case DeviceControl::none:
      return error(Kind::unsupported, "device rules of container '", leaf.container,
                   "': this machine has neither a unified hierarchy nor the devices controller");
    case DeviceControl::bpf: leaf.device_program = plan_device_program(wanted.devices); return {};
    case DeviceControl::v1: break;
  }
  TRY(writer.use("devices", "device rules"));
  const std::vector<DeviceLine> lines =
      TRY(plan_device_lines(wanted.devices).while_doing("container '", leaf.container, "'"));
  for (const DeviceLine& line : lines) writer.row(line.file, line.line);
  return {};
}

/// Without a unified hierarchy something must still say which processes are the container's.
Result<> plan_tracking(const Layout& layout, LeafWriter& writer, const LeafPlan& leaf) {
  if (!layout.unified.empty() || !leaf.v1_directories.empty()) return {};
  for (const auto* controller : {"pids", "freezer", "devices", "cpuacct", "cpu", "memory"}) {
    if (const auto found = layout.v1.find(controller); found != layout.v1.end()) {
      writer.join(found->second);
      return {};
    }
  }
  return error(Kind::unsupported, "container '", leaf.container, "': no mounted hierarchy can hold its processes");
}

/// Leaves compete within their pod only; against other pods the pod as a whole has what its containers asked for.
Result<> plan_pod_share(const Layout& layout, const Limits& limits, Plan& plan) {
  std::uint64_t shares = 0;
  for (const auto& [container, wanted] : limits) shares += wanted.cpu_shares.value_or(0);
  if (shares == 0) return {};
  shares = std::min(shares, kMostShares);
  if (const auto found = layout.v1.find("cpu"); found != layout.v1.end()) {
    const auto pod = found->second / layout.parent / directory_name(plan.uid);
    plan.pod_rows.push_back({"cpu share of the pod", pod / "cpu.shares", std::to_string(shares), {}});
  } else {
    const std::string weight = std::to_string(weight_from_shares(shares));
    plan.pod_rows.push_back({"cpu share of the pod", plan.unified_pod / "cpu.weight", weight, {}});
  }
  return {};
}

void collect_v1_pods(Plan& plan) {
  for (const LeafPlan& leaf : plan.leaves) {
    for (const auto& directory : leaf.v1_directories) plan.v1_pods.push_back(directory.parent_path());
  }
  std::sort(plan.v1_pods.begin(), plan.v1_pods.end());
  plan.v1_pods.erase(std::unique(plan.v1_pods.begin(), plan.v1_pods.end()), plan.v1_pods.end());
}

Result<LeafPlan> plan_leaf(const Layout& layout, const std::string& pod, const std::string& container,
                           const oci::Resources& wanted, std::map<std::string, Controller::Need>& needed) {
  TRY(check_container(container));
  LeafPlan leaf;
  leaf.container = container;
  LeafWriter writer(layout, pod, leaf, needed);
  TRY(plan_memory(writer, container, wanted));
  TRY(plan_cpu(writer, container, wanted));
  TRY(plan_pids(writer, wanted));
  TRY(plan_devices(layout, writer, leaf, wanted));
  TRY(plan_tracking(layout, writer, leaf));
  return leaf;
}

}  // namespace

Result<> check_uid(std::string_view uid) {
  if (is_name(uid)) return {};
  return error(Kind::invalid, "pod uid '", uid, "': it is not 1 to 63 of a-z, 0-9 and '-'");
}

Result<> check_container(std::string_view container) {
  if (is_name(container) && container.front() != '-' && container.back() != '-') return {};
  return error(Kind::invalid, "container name '", container, "': it is not a DNS label");
}

std::string directory_name(const std::string& name) { return name == "tasks" ? "tasks_" : name; }

std::uint64_t weight_from_shares(std::uint64_t shares) {
  const std::uint64_t within = std::clamp(shares, kLeastShares, kMostShares);
  return 1 + ((within - kLeastShares) * 9999) / (kMostShares - kLeastShares);
}

Result<Plan> plan(const Layout& layout, const std::string& uid, const Limits& limits) {
  TRY(check_uid(uid));
  TRY(check_uid(layout.parent).while_doing("parent cgroup"));
  Plan plan;
  plan.uid = uid;
  const std::string pod = directory_name(uid);
  if (!layout.unified.empty()) {
    plan.unified_root = layout.unified;
    plan.unified_pod = layout.unified / layout.parent / pod;
  }
  std::map<std::string, Controller::Need> needed;
  for (const auto* name : {"cpu", "memory", "pids"}) {
    if (layout.unified_controllers.contains(name)) needed[name] = Controller::Need::accounting;
  }
  for (const auto& [container, wanted] : limits) {
    for (const LeafPlan& other : plan.leaves) {
      if (other.container == container) return error(Kind::invalid, "container name '", container, "': given twice");
    }
    LeafPlan leaf = TRY(plan_leaf(layout, pod, container, wanted, needed));
    plan.leaves.push_back(std::move(leaf));
  }
  for (const auto& [name, need] : needed) plan.controllers.push_back({name, need});
  collect_v1_pods(plan);
  TRY(plan_pod_share(layout, limits, plan));
  return plan;
}

}  // namespace tank::cgroup
