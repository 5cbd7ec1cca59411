// The snapshot is what says "the host is as before" in every other test, so first it must prove that it sees.
#include "support/host_snapshot.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "support/process.h"
#include "support/temp_dir.h"

namespace tank::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// A cgroup hierarchy that is mounted here, whichever layout this is.
std::filesystem::path some_cgroup_root() {
  for (const char* path : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
    if (::access((std::string(path) + "/cgroup.procs").c_str(), F_OK) == 0) return path;
  }
  return {};
}

TEST(HostSnapshot, IsEqualToItselfWhenNothingHappens) {
  EXPECT_THAT(lasting_differences(capture_host(), {}, std::chrono::seconds(1)), IsEmpty());
}

// What follows changes namespaces, so it happens in a process of its own. GoogleTest prints no failures there
// but shows its standard error when the exit status is not the wanted one.
int report_failures() {
  const ::testing::TestResult* result = ::testing::UnitTest::GetInstance()->current_test_info()->result();
  for (int i = 0; i < result->total_part_count(); ++i) {
    std::cerr << "line " << result->GetTestPartResult(i).line_number() << ": "
              << result->GetTestPartResult(i).message();
  }
  return result->Failed() ? 1 : 0;
}

template <typename Body>
void in_private_namespaces(Body body) {
  EXPECT_EXIT(
      {
        if (::unshare(CLONE_NEWNS | CLONE_NEWNET) < 0) ::_exit(9);
        if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) ::_exit(8);
        body();
        ::_exit(report_failures());
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(HostSnapshot, NoticesAMountAndItsEnd) {
  in_private_namespaces([] {
    const TempDir directory;
    const HostSnapshot before = capture_host();
    ASSERT_EQ(::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=64k"), 0);
    EXPECT_THAT(differences(before, capture_host()),
                Contains(::testing::AllOf(StartsWith("+ mount: "), HasSubstr(directory.path().native()))));
    ASSERT_EQ(::umount2(directory.path().c_str(), 0), 0);
    EXPECT_THAT(differences(before, capture_host()), IsEmpty());
  });
}

TEST(HostSnapshot, NoticesASecondMountOfTheSameThing) {
  in_private_namespaces([] {
    const TempDir directory;
    ASSERT_EQ(::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=64k"), 0);
    const HostSnapshot before = capture_host();
    ASSERT_EQ(::mount(directory.path().c_str(), directory.path().c_str(), nullptr, MS_BIND, nullptr), 0);
    EXPECT_THAT(differences(before, capture_host()), Contains(StartsWith("+ mount: ")));
    ::umount2(directory.path().c_str(), 0);
    ::umount2(directory.path().c_str(), 0);
  });
}

TEST(HostSnapshot, NoticesALinkAnAddressAndARoute) {
  in_private_namespaces([] {
    const HostSnapshot before = capture_host();
    const Outcome made = run({"ip", "link", "add", "left0", "type", "veth", "peer", "name", "right0"});
    ASSERT_EQ(made.code, 0) << to_string(made);
    EXPECT_THAT(differences(before, capture_host()), Contains(HasSubstr("left0")));
    const HostSnapshot with_link = capture_host();
    ASSERT_EQ(run({"ip", "address", "add", "192.0.2.1/24", "dev", "left0"}).code, 0);
    ASSERT_EQ(run({"ip", "link", "set", "right0", "up"}).code, 0);
    ASSERT_EQ(run({"ip", "link", "set", "left0", "up"}).code, 0);
    const std::vector<std::string> found = differences(with_link, capture_host());
    EXPECT_THAT(found, Contains("+ address: left0 192.0.2.1"));
    EXPECT_THAT(found, Contains(::testing::AllOf(StartsWith("+ route: left0"), HasSubstr("000200C0"))));
    ASSERT_EQ(run({"ip", "link", "delete", "left0"}).code, 0);
    EXPECT_THAT(lasting_differences(before), IsEmpty());
  });
}

TEST(HostSnapshot, NoticesACgroup) {
  const std::filesystem::path root = some_cgroup_root();
  if (root.empty()) GTEST_SKIP() << "no cgroup hierarchy is mounted";
  const std::filesystem::path nested = root / "tank-snapshot-test" / "inner" / "leaf";
  const HostSnapshot before = capture_host();
  std::filesystem::create_directories(nested);
  EXPECT_THAT(differences(before, capture_host()), Contains("+ cgroup: " + nested.native()));
  for (std::filesystem::path path = nested; path != root; path = path.parent_path()) ::rmdir(path.c_str());
  EXPECT_THAT(differences(before, capture_host()), IsEmpty());
}

TEST(HostSnapshot, NoticesAChildAndWhatItLeft) {
  const HostSnapshot before = capture_host();
  {
    Child child(Command{.argv = {"cat"}, .env = {}, .in = {}, .cwd = {}});
    const std::string name = "(pid " + std::to_string(child.pid()) + ")";
    EXPECT_THAT(differences(before, capture_host()), Contains(HasSubstr(name)));
  }
  EXPECT_THAT(differences(before, capture_host()), IsEmpty());
}

TEST(HostSnapshot, NoticesADescriptorLeftOpen) {
  const HostSnapshot before = capture_host();
  const int leaked = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_THAT(differences(before, capture_host()), ElementsAre("+ descriptor: /dev/null"));
  ::close(leaked);
}

TEST(HostSnapshot, NoticesANewFileAChangedModeAndAGoneOne) {
  const TempDir tree;
  std::ofstream(tree / "old") << "1";
  const HostSnapshot before = capture_host({tree.path()});
  std::ofstream(tree / "new") << "22";
  std::filesystem::remove(tree / "old");
  EXPECT_THAT(differences(before, capture_host({tree.path()})),
              ElementsAre(HasSubstr("/old mode 100644 size 1"), HasSubstr("/new mode 100644 size 2")));
}

}  // namespace
}  // namespace tank::test
