#include "cgroup/layout.h"

#include <gtest/gtest.h>

namespace tank::cgroup {
namespace {

constexpr const char* kPure =
    "24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

constexpr const char* kHybrid =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

TEST(ParseMountinfo, FindsThePureLayout) {
  const Result<Layout> layout = parse_mountinfo(kPure);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->unified, "/sys/fs/cgroup");
  EXPECT_TRUE(layout->v1.empty());
}

TEST(ParseMountinfo, FindsEveryControllerOfTheHybridLayoutAndNoNamedHierarchy) {
  const Result<Layout> layout = parse_mountinfo(kHybrid);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->unified, "/sys/fs/cgroup/unified");
  const std::map<std::string, std::filesystem::path> expected = {{"cpu", "/sys/fs/cgroup/cpu,cpuacct"},
                                                                 {"cpuacct", "/sys/fs/cgroup/cpu,cpuacct"},
                                                                 {"memory", "/sys/fs/cgroup/memory"}};
  EXPECT_EQ(layout->v1, expected);
}

TEST(ParseMountinfo, PrefersTheUsualPlace) {
  const std::string elsewhere = "90 24 0:38 / /run/other rw - cgroup2 cgroup2 rw\n";
  EXPECT_EQ(parse_mountinfo(elsewhere + kHybrid)->unified, "/sys/fs/cgroup/unified");
  EXPECT_EQ(parse_mountinfo(kHybrid + elsewhere)->unified, "/sys/fs/cgroup/unified");
  EXPECT_EQ(parse_mountinfo(elsewhere)->unified, "/run/other");
}

TEST(ParseMountinfo, LeavesOutWhatALaterMountCovers) {
  const std::string covered = std::string(kHybrid) + "99 31 0:40 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  const Result<Layout> layout = parse_mountinfo(covered);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->unified, "/sys/fs/cgroup");
  EXPECT_TRUE(layout->v1.empty());
  const std::string beside = std::string(kHybrid) + "99 31 0:40 / /sys/fs/cgroup/mem rw - tmpfs tmpfs rw\n";
  EXPECT_TRUE(parse_mountinfo(beside)->v1.contains("memory"));
}

TEST(ParseMountinfo, ReadsNamesWithSpaces) {
  EXPECT_EQ(parse_mountinfo("30 24 0:26 / /a\\040b\\134c rw - cgroup2 cgroup2 rw\n")->unified, "/a b\\c");
  EXPECT_EQ(parse_mountinfo("30 24 0:26 / /a\\04 rw - cgroup2 cgroup2 rw\n")->unified, "/a\\04");
}

TEST(ParseMountinfo, TellsLinesThatAreNone) {
  for (const auto* wrong : {"x", "30 24 0:26 / /a rw cgroup2 cgroup2 rw", "30 24 0:26 / /a rw -", "- a b c d e f g",
                            "30 24 0:26 / /a rw - cgroup2 cgroup2"}) {
    const Result<Layout> layout = parse_mountinfo(wrong);
    ASSERT_FALSE(layout) << wrong;
    EXPECT_EQ(layout.error().kind(), Kind::corrupt);
  }
  EXPECT_TRUE(parse_mountinfo("")->unified.empty());
}

TEST(LayoutText, NamesTheLayout) {
  Layout layout = *parse_mountinfo(kHybrid);
  layout.devices = DeviceControl::bpf;
  EXPECT_EQ(to_string(layout),
            "hybrid: unified at /sys/fs/cgroup/unified with; v1 for cpu cpuacct memory; devices by bpf");
  EXPECT_EQ(to_string(*parse_mountinfo(kPure)), "pure v2: unified at /sys/fs/cgroup with; no device control");
}

}  // namespace
}  // namespace tank::cgroup
