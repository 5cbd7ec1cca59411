#include "oci/confinement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tank::oci {
namespace {

using testing::Contains;
using testing::IsEmpty;

/// What the device controller would say, as runtime-spec reads the list: the last rule that matches.
bool allowed(const std::vector<DeviceRule>& rules, char type, std::int64_t major, std::int64_t minor, char access) {
  bool out = true;
  for (const DeviceRule& rule : rules) {
    const bool matches = (rule.type == 'a' || rule.type == type) && (!rule.major || *rule.major == major) &&
                         (!rule.minor || *rule.minor == minor) && rule.access.find(access) != std::string::npos;
    if (matches) out = rule.allow;
  }
  return out;
}

TEST(DeviceRules, OpenTheStandardNodesAndNothingElse) {
  const auto rules = plan_device_rules({});
  for (const auto& [major, minor] :
       std::vector<std::pair<int, int>>{{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}, {136, 0}, {136, 77}}) {
    EXPECT_TRUE(allowed(rules, 'c', major, minor, 'r')) << major << ":" << minor;
    EXPECT_TRUE(allowed(rules, 'c', major, minor, 'w')) << major << ":" << minor;
  }
  for (const auto& [major, minor] :
       std::vector<std::pair<int, int>>{{1, 1}, {1, 2}, {1, 4}, {1, 11}, {5, 1}, {10, 200}, {10, 229}, {4, 0}}) {
    EXPECT_FALSE(allowed(rules, 'c', major, minor, 'r')) << major << ":" << minor;
    EXPECT_TRUE(allowed(rules, 'c', major, minor, 'm')) << major << ":" << minor;
  }
  EXPECT_FALSE(allowed(rules, 'b', 8, 0, 'r'));
  EXPECT_FALSE(allowed(rules, 'b', 1, 3, 'w'));
  EXPECT_TRUE(allowed(rules, 'b', 8, 0, 'm'));
}

TEST(Privileged, SeesTheWholeMachine) {
  SecurityContext security;
  security.privileged = true;
  HostFacts host;
  host.devices = {{'b', "/dev/sda", 8, 0, 0660}, {'c', "/dev/null", 1, 3, 0600}};
  host.masked_paths = {"/sys/devices/system/cpu/cpu0/thermal_throttle"};
  EXPECT_TRUE(allowed(plan_device_rules(security), 'b', 8, 0, 'w'));
  const auto devices = plan_devices(security, host);
  EXPECT_EQ(devices.size(), 7U);
  EXPECT_EQ(devices[0].file_mode, 0666U);
  EXPECT_EQ(devices[6].path, "/dev/sda");
  EXPECT_THAT(plan_masked_paths(security, host), IsEmpty());
  EXPECT_THAT(plan_readonly_paths(security), IsEmpty());
}

TEST(MaskedPaths, CoverWhatLeaksOfTheHost) {
  HostFacts host;
  host.masked_paths = {"/sys/devices/system/cpu/cpu0/thermal_throttle"};
  host.devices = {{'b', "/dev/sda", 8, 0, 0660}};
  EXPECT_EQ(plan_devices({}, host).size(), 6U);
  const auto masked = plan_masked_paths({}, host);
  for (const auto* path : {"/proc/kcore", "/proc/keys", "/proc/interrupts", "/proc/timer_list", "/proc/sched_debug",
                           "/proc/scsi", "/proc/acpi", "/sys/firmware", "/sys/devices/virtual/powercap",
                           "/sys/devices/system/cpu/cpu0/thermal_throttle"}) {
    EXPECT_THAT(masked, Contains(path));
  }
  for (const auto* path : {"/proc/sys", "/proc/sysrq-trigger", "/proc/bus", "/proc/fs", "/proc/irq"}) {
    EXPECT_THAT(plan_readonly_paths({}), Contains(path));
  }
}

}  // namespace
}  // namespace tank::oci
