#include "oci/confinement.h"

#include <algorithm>
#include <array>

namespace tank::oci {

namespace {

struct Node {
  const char* path;
  std::int64_t major;
  std::int64_t minor;
};

/// runtime-spec, config-linux.md, "Default Devices".
constexpr std::array<Node, 6> kNodes{{
    {"/dev/null", 1, 3},
    {"/dev/zero", 1, 5},
    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8},
    {"/dev/urandom", 1, 9},
    {"/dev/tty", 5, 0},
}};

DeviceRule allow(char type, std::optional<std::int64_t> major, std::optional<std::int64_t> minor,
                 const char* access = "rwm") {
  return DeviceRule{true, type, major, minor, access};
}

}  // namespace

std::vector<Device> plan_devices(const SecurityContext& security, const HostFacts& host) {
  std::vector<Device> out;
  for (const Node& node : kNodes) out.push_back(Device{'c', node.path, node.major, node.minor, 0666});
  if (!security.privileged) return out;
  for (const Device& device : host.devices) {
    const auto same_path = [&](const Device& other) { return other.path == device.path; };
    if (std::none_of(out.begin(), out.end(), same_path)) out.push_back(device);
  }
  return out;
}

std::vector<DeviceRule> plan_device_rules(const SecurityContext& security) {
  if (security.privileged) return {allow('a', std::nullopt, std::nullopt)};
  std::vector<DeviceRule> out{DeviceRule{}};
  out.push_back(allow('c', std::nullopt, std::nullopt, "m"));
  out.push_back(allow('b', std::nullopt, std::nullopt, "m"));
  for (const Node& node : kNodes) out.push_back(allow('c', node.major, node.minor));
  out.push_back(allow('c', 5, 2));               // ptmx
  out.push_back(allow('c', 136, std::nullopt));  // the slaves in /dev/pts
  return out;
}

std::vector<std::string> plan_masked_paths(const SecurityContext& security, const HostFacts& host) {
  if (security.privileged) return {};
  std::vector<std::string> out{
      "/proc/acpi",
      "/proc/asound",
      "/proc/interrupts",  // timing of keystrokes and neighbours
      "/proc/kcore",
      "/proc/keys",
      "/proc/latency_stats",
      "/proc/timer_list",
      "/proc/timer_stats",
      "/proc/sched_debug",
      "/proc/scsi",
      "/sys/firmware",
      "/sys/devices/virtual/powercap"  // energy counters: a side channel (GHSA-7ww5-4wqc-m92c)
  };
  out.insert(out.end(), host.masked_paths.begin(), host.masked_paths.end());
  return out;
}

std::vector<std::string> plan_readonly_paths(const SecurityContext& security) {
  if (security.privileged) return {};
  return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
}

}  // namespace tank::oci
