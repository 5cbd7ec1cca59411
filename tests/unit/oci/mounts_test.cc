#include "oci/mounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tank::oci {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

std::vector<std::string> destinations(const std::vector<Mount>& mounts) {
  std::vector<std::string> out;
  for (const Mount& mount : mounts) out.push_back(mount.destination);
  return out;
}

Mount own(std::string destination) { return {std::move(destination), "bind", "/host", {"rbind"}}; }

TEST(PlanMounts, RefusesDestinationsThatAreNotOnePlace) {
  for (const auto* wrong :
       {"", "relative", "/", "//", "/a/", "/a//b", "/a/../b", "/a/.", "/..", "/proc", "/proc/sys"}) {
    EXPECT_EQ(plan_mounts({}, {own(wrong)}).error().kind(), Kind::invalid) << wrong;
  }
  EXPECT_FALSE(plan_mounts({}, {own(std::string("/a\0b", 4))}));
  EXPECT_TRUE(plan_mounts({}, {own("/process")}));
}

TEST(PlanMounts, PutsTheStandardOnesFirstAndParentsBeforeChildren) {
  const auto got = plan_mounts({}, {own("/data/a/b"), own("/etc/hosts"), own("/z"), own("/data"), own("/data/a")});
  ASSERT_TRUE(got);
  EXPECT_THAT(destinations(*got), ElementsAre("/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys",
                                              "/sys/fs/cgroup", "/z", "/data", "/etc/hosts", "/data/a", "/data/a/b"));
}

TEST(PlanMounts, LetsThePodReplaceAStandardOne) {
  const auto shm = plan_mounts({}, {own("/dev/shm")});
  EXPECT_THAT(destinations(*shm),
              ElementsAre("/proc", "/dev", "/dev/pts", "/dev/mqueue", "/sys", "/sys/fs/cgroup", "/dev/shm"));
  const auto dev = plan_mounts({}, {own("/dev")});
  EXPECT_THAT(destinations(*dev), ElementsAre("/proc", "/sys", "/sys/fs/cgroup", "/dev"));
  const auto below = plan_mounts({}, {own("/dev/shm/x"), own("/device")});
  EXPECT_EQ(below->size(), 9U);
}

TEST(PlanMounts, OpensSysAndCgroupOnlyForThePrivileged) {
  for (const bool privileged : {false, true}) {
    SecurityContext security;
    security.privileged = privileged;
    const auto mounts = plan_mounts(security, {});
    for (const Mount& mount : *mounts) {
      if (!mount.destination.starts_with("/sys")) continue;
      EXPECT_THAT(mount.options, Contains(privileged ? "rw" : "ro"));
      EXPECT_THAT(mount.options, Not(Contains(privileged ? "ro" : "rw")));
      EXPECT_THAT(mount.options, Contains("nosuid"));
    }
  }
}

}  // namespace
}  // namespace tank::oci
