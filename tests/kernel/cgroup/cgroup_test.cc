// Limits, accounting, device rules and removal against the kernel at hand, whichever layout it has. All below a parent
// cgroup of our own, so that pods of this machine are none of our business.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "cgroup/apply.h"
#include "cgroup/layout.h"
#include "cgroup/observe.h"
#include "cgroup/plan.h"
#include "kernel/cgroup/child.h"
#include "support/cgroup_tree.h"
#include "sys/cgroup.h"
#include "sys/file.h"

namespace tank::cgroup {
namespace {

namespace fs = std::filesystem;
using test::Child;
using test::End;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr const char* kUid = "pod-0123";

/// The value, or the end of the test with the error's words.
template <typename T>
T take(Result<T> result) {
  if (!result) throw std::runtime_error(to_string(result.error()));
  return *std::move(result);
}

void expect_ok(const Result<>& result) { EXPECT_TRUE(result) << (result ? "" : to_string(result.error())); }

class CgroupTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const Result<Layout> layout = observe_layout();
    ASSERT_TRUE(layout) << to_string(layout.error());
    std::printf("cgroup layout: %s\n", to_string(*layout).c_str());
  }

  void SetUp() override {
    Result<Layout> observed = observe_layout();
    ASSERT_TRUE(observed) << to_string(observed.error());
    layout_ = *std::move(observed);
    layout_.parent = concat("tank-test-", static_cast<int>(::getpid()));
    before_ = test::cgroup_tree(layout_.parent);
    ASSERT_TRUE(before_.empty());
  }

  void TearDown() override {
    for (const std::string& uid : {std::string(kUid), std::string("other")}) expect_ok(remove(layout_, uid));
    EXPECT_EQ(test::changes(before_, test::cgroup_tree(layout_.parent)), "");
  }

  /// Plans and makes a pod with these containers.
  Plan make(const Limits& limits, const std::string& uid = kUid) {
    Plan planned = take(plan(layout_, uid, limits));
    expect_ok(create(planned));
    return planned;
  }

  /// A parked child in the leaf, its limits applied.
  Child start(const LeafPlan& leaf, const std::function<int()>& work) {
    const Leaf open = take(open_leaf(leaf));
    Child child = take(Child::park(open, work));
    expect_ok(apply_limits(leaf));
    return child;
  }

  Observed look(const std::string& container = "web", const std::string& uid = kUid) {
    return take(observe(layout_, uid, container));
  }

  bool oom_killed(const std::string& container = "web") { return take(was_oom_killed(layout_, kUid, container)); }

  bool has_unified() const { return !layout_.unified.empty(); }

  Layout layout_;
  std::set<std::string> before_;
};

/// Touches this much memory, page by page, and gives it back.
int touch(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  for (std::size_t at = 0; at < size; at += 4096) static_cast<volatile char*>(memory)[at] = 1;
  ::munmap(memory, size);
  return 0;
}

/// Uses this much of a processor.
int burn(std::int64_t milliseconds) {
  timespec used{};
  do {
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  } while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < milliseconds);
  return 0;
}

int live_on() {
  for (;;) ::pause();
}

// --- creating
// ---------------------------------------------------------------------------------------------------------

TEST_F(CgroupTest, WithoutLimitsOneDirectoryInTheUnifiedHierarchyIsAll) {
  if (!has_unified()) GTEST_SKIP() << "this machine has no unified hierarchy";
  const Plan made = make({{"web", {}}});
  const std::string parent = layout_.unified / layout_.parent;
  EXPECT_EQ(test::changes({}, test::cgroup_tree(layout_.parent)),
            "+" + parent + "\n+" + parent + "/pod-0123\n+" + parent + "/pod-0123/web\n");
  Child child = start(made.leaves[0], [] { return 7; });
  EXPECT_THAT(look().processes, UnorderedElementsAre(child.pid()));
  EXPECT_EQ(child.finish().code, 7);
  EXPECT_TRUE(look().cpu_usage);
}

TEST_F(CgroupTest, ALimitPutsTheChildIntoTheHierarchyThatEnforcesIt) {
  const Plan made = make({{"web", {.memory_limit = 64 * kMebibyte}}});
  Child child = start(made.leaves[0], [] { return 0; });
  const std::string membership = test::file_text(concat("/proc/", child.pid(), "/cgroup"));
  EXPECT_THAT(membership, HasSubstr(layout_.v1.contains("memory") ? "memory:/" + layout_.parent + "/pod-0123/web"
                                                                  : "0::/" + layout_.parent + "/pod-0123/web"));
}

TEST_F(CgroupTest, EveryLimitReadsBackAsItWasDeclared) {
  const Plan made = make({{"web",
                           {.memory_limit = 64 * kMebibyte,
                            .memory_reservation = 32 * kMebibyte,
                            .cpu_shares = 2048,
                            .cpu_quota = 50000,
                            .cpu_period = 100000,
                            .pids_limit = 37}},
                          {"side", {.cpu_shares = 512}}});
  for (const LeafPlan& leaf : made.leaves) expect_ok(apply_limits(leaf));
  const Observed seen = look();
  EXPECT_EQ(seen.memory_limit, Bytes{64 * kMebibyte});
  EXPECT_EQ(seen.memory_reservation, Bytes{32 * kMebibyte});
  if (seen.swap_limit) {
    EXPECT_EQ(seen.swap_limit, Bytes{0});
  }
  EXPECT_EQ(seen.cpu_quota, std::chrono::microseconds(50000));
  EXPECT_EQ(seen.cpu_period, std::chrono::microseconds(100000));
  EXPECT_EQ(seen.cpu_weight, weight_from_shares(2048));
  EXPECT_EQ(seen.pids_limit, 37U);
  EXPECT_EQ(seen.oom_kills, 0U);
  EXPECT_EQ(look("side").cpu_weight, weight_from_shares(512));
  ASSERT_EQ(made.pod_rows.size(), 1U);
  EXPECT_EQ(test::file_text(made.pod_rows[0].file), made.pod_rows[0].value);
  if (!layout_.v1.contains("memory")) {
    EXPECT_EQ(test::file_text(made.leaves[0].unified_directory / "memory.oom.group"), "1");
  }
}

TEST_F(CgroupTest, SwapIsAllowedAsFarAsDeclared) {
  const Plan made = make({{"web", {.memory_limit = 64 * kMebibyte, .memory_swap = 80 * kMebibyte}}});
  expect_ok(apply_limits(made.leaves[0]));
  const auto swap = look().swap_limit;
  if (!swap) GTEST_SKIP() << "this kernel keeps no account of swap";
  EXPECT_EQ(swap, Bytes{16 * kMebibyte});
}

TEST_F(CgroupTest, ApplyingLimitsTwiceIsAsApplyingThemOnce) {
  const Plan made = make({{"web",
                           {.devices = {{.allow = false}, {.allow = true, .type = 'c', .major = 1, .minor = 3}},
                            .memory_limit = 64 * kMebibyte,
                            .cpu_quota = 20000,
                            .pids_limit = 10}}});
  expect_ok(apply_limits(made.leaves[0]));
  expect_ok(apply_limits(made.leaves[0]));
  EXPECT_EQ(look().memory_limit, Bytes{64 * kMebibyte});
  if (layout_.devices == DeviceControl::bpf) {
    EXPECT_EQ(look().device_programs, 1U);
  }
}

TEST_F(CgroupTest, ALeftOverLeafIsMadeAnewUnlessSomebodyLivesInIt) {
  const Plan made = make({{"web", {.pids_limit = 5}}});
  expect_ok(apply_limits(made.leaves[0]));
  expect_ok(create(made));
  EXPECT_EQ(look().pids_limit, std::nullopt);
  Child child = start(made.leaves[0], live_on);
  const Result<> again = create(made);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind(), Kind::busy);
  EXPECT_THAT(again.error().sentence(), HasSubstr("container 'web'"));
}

TEST_F(CgroupTest, ALimitTheKernelRefusesIsNamed) {
  Plan made = make({{"web", {.pids_limit = 5}}});
  made.leaves[0].rows[0].value = "nonsense";
  const Result<> applied = apply_limits(made.leaves[0]);
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().sentence(), HasSubstr("container 'web': setting the pids limit"));
  EXPECT_THAT(applied.error().sentence(), HasSubstr("pids.max"));
  EXPECT_EQ(applied.error().number(), EINVAL);
}

TEST_F(CgroupTest, ARequiredFileThatIsMissingIsAnErrorAndAnOptionalOneIsNot) {
  Plan made = make({{"web", {.pids_limit = 5}}});
  Row& row = made.leaves[0].rows[0];
  row.file = row.file.parent_path() / "pids.nothing";
  const Result<> applied = apply_limits(made.leaves[0]);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind(), Kind::not_found);
  row.presence = Row::Presence::where_it_exists;
  expect_ok(apply_limits(made.leaves[0]));
}

TEST_F(CgroupTest, AControllerThatCannotBeEnabledForALimitIsAnError) {
  if (!has_unified()) GTEST_SKIP() << "this machine has no unified hierarchy";
  Result<Plan> planned = plan(layout_, kUid, {{"web", {}}});
  ASSERT_TRUE(planned);
  planned->controllers.push_back({"nonsense", Controller::Need::accounting});
  expect_ok(create(*planned));
  planned->controllers.back().need = Controller::Need::limit;
  const Result<> created = create(*planned);
  ASSERT_FALSE(created);
  EXPECT_THAT(created.error().sentence(), HasSubstr("enabling the nonsense controller"));
}

TEST_F(CgroupTest, ProcessesInTheWayOfAControllerAreNamedAsTheReason) {
  if (!layout_.unified_controllers.contains("memory")) {
    GTEST_SKIP() << "this machine's unified hierarchy has no memory controller";
  }
  // The leaf of one pod as the root for another, as in a container with a cgroup namespace of its own.
  const Plan outer = make({{"web", {}}});
  Child child = start(outer.leaves[0], live_on);
  Layout inner = layout_;
  inner.unified = outer.leaves[0].unified_directory;
  const Plan planned = take(plan(inner, "inner", {{"web", {.memory_limit = kMebibyte}}}));
  const Result<> created = create(planned);
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind(), Kind::busy);
  EXPECT_THAT(created.error().sentence(), HasSubstr("processes live in '" + inner.unified.native() + "'"));
  EXPECT_EQ(test::file_text(inner.unified / "cgroup.type"), "domain");
  // Without a limit there is no accounting, but the container has its place.
  expect_ok(create(take(plan(inner, "inner", {{"web", {}}}))));
  EXPECT_EQ(test::file_text(inner.unified / "cgroup.type"), "domain");
}

/// Runs in a mount namespace where the hierarchies can be looked at but not changed.
int create_and_remove_read_only(const Layout& layout) {
  if (::unshare(CLONE_NEWNS) < 0 || ::mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) < 0) return 1;
  std::set<fs::path> mounts = {layout.unified};
  for (const auto& [controller, mount] : layout.v1) mounts.insert(mount);
  for (const fs::path& mount : mounts) {
    if (mount.empty()) continue;
    if (::mount(mount.c_str(), mount.c_str(), "", MS_BIND, nullptr) < 0) return 2;
    if (::mount("", mount.c_str(), "", MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) < 0) return 3;
  }
  const Result<Plan> planned = plan(layout, kUid, {{"web", {.pids_limit = 1}}});
  if (!planned) return 4;
  const Result<> created = create(*planned);
  if (created || created.error().number() != EROFS) return 5;
  if (created.error().sentence().find("pod 'pod-0123'") == std::string::npos) return 6;
  return remove(layout, kUid) ? 0 : 7;
}

TEST_F(CgroupTest, ReadOnlyHierarchiesAreAnErrorToCreateInAndNoneToRemoveNothingFrom) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) ::_exit(create_and_remove_read_only(layout_));
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0) << WEXITSTATUS(status);
}

// --- limits that bite
// -------------------------------------------------------------------------------------------------

TEST_F(CgroupTest, AnOutOfMemoryKillIsToldFromAnyOtherKill) {
  const Plan made = make({{"web", {.memory_limit = 16 * kMebibyte}}, {"side", {.memory_limit = 16 * kMebibyte}}});
  Child greedy = start(made.leaves[0], [] { return touch(256 * kMebibyte); });
  Child modest = start(made.leaves[1], [] { return touch(4 * kMebibyte) == 0 ? live_on() : 1; });
  modest.go();
  EXPECT_EQ(greedy.finish().signum, SIGKILL);
  EXPECT_TRUE(oom_killed("web"));
  // With memory.oom.group Linux 6.1 counts the first victim twice.
  EXPECT_GE(look("web").oom_kills.value_or(0), 1U);
  modest.kill();
  EXPECT_EQ(modest.wait().signum, SIGKILL);
  EXPECT_FALSE(oom_killed("side"));
}

TEST_F(CgroupTest, AnOutOfMemoryKillTakesTheWholeContainerWhereTheKernelCanDoThat) {
  if (layout_.v1.contains("memory")) GTEST_SKIP() << "memory.oom.group is of cgroup v2 alone";
  const Plan made = make({{"web", {.memory_limit = 16 * kMebibyte}}});
  Child first = start(made.leaves[0], live_on);
  Child second = start(made.leaves[0], [] { return touch(256 * kMebibyte); });
  EXPECT_EQ(second.finish().signum, SIGKILL);
  EXPECT_EQ(first.wait().signum, SIGKILL);
  EXPECT_TRUE(oom_killed());
}

TEST_F(CgroupTest, WithinItsLimitMemoryIsCountedAndNobodyIsKilled) {
  const Plan made = make({{"web", {.memory_limit = 64 * kMebibyte}}});
  Child child = start(made.leaves[0], [] { return touch(24 * kMebibyte); });
  EXPECT_EQ(child.finish().code, 0);
  EXPECT_FALSE(oom_killed());
  const Observed seen = look();
  if (seen.memory_peak) {
    EXPECT_GE(seen.memory_peak->count, 20 * kMebibyte);
  }
  EXPECT_TRUE(seen.memory_usage);
}

TEST_F(CgroupTest, WithoutALimitNothingWasOutOfMemory) {
  make({{"web", {}}});
  EXPECT_FALSE(oom_killed());
  EXPECT_FALSE(*was_oom_killed(layout_, "nobody", "web"));
}

TEST_F(CgroupTest, ForksStopAtThePidsLimit) {
  const Plan made = make({{"web", {.pids_limit = 4}}});
  Child child = start(made.leaves[0], [] {
    int forked = 0;
    while (forked < 20) {
      const pid_t pid = ::fork();
      if (pid == 0) live_on();
      if (pid < 0) return errno == EAGAIN ? forked : 100;
      ++forked;
    }
    return forked;
  });
  EXPECT_EQ(child.finish().code, 3);
  EXPECT_EQ(look().pids, 3U);
  EXPECT_EQ(look().processes.size(), 3U);
}

TEST_F(CgroupTest, AQuotaThrottles) {
  const Plan made = make({{"web", {.cpu_quota = 10000, .cpu_period = 100000}}});
  Child child = start(made.leaves[0], [] { return burn(60); });
  EXPECT_EQ(child.finish().code, 0);
  const Observed seen = look();
  ASSERT_TRUE(seen.throttled_periods);
  EXPECT_GE(*seen.throttled_periods, 2U);
  if (seen.cpu_usage) {
    EXPECT_GE(*seen.cpu_usage, std::chrono::milliseconds(50));
  }
}

// --- devices
// ----------------------------------------------------------------------------------------------------------

bool may_open(const char* path, int flags) {
  const int fd = ::open(path, flags | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

bool may_make(mode_t type, unsigned major, unsigned minor) {
  char directory[] = "/tmp/tank-devices-XXXXXX";
  if (::mkdtemp(directory) == nullptr) return false;
  const std::string node = concat(directory, "/node");
  const bool made = ::mknod(node.c_str(), type | 0600, makedev(major, minor)) == 0;
  ::unlink(node.c_str());
  ::rmdir(directory);
  return made;
}

// One bit per access that came out otherwise than the rules below say.
int try_devices() {
  int wrong = 0;
  wrong |= may_open("/dev/null", O_RDWR) ? 0 : 1;    // its own rule
  wrong |= may_open("/dev/zero", O_RDONLY) ? 0 : 2;  // reading only
  wrong |= may_open("/dev/zero", O_RDWR) ? 4 : 0;
  wrong |= may_open("/dev/full", O_RDONLY) ? 8 : 0;  // mknod only
  wrong |= may_make(S_IFCHR, 1, 7) ? 0 : 16;
  wrong |= may_make(S_IFBLK, 7, 0) ? 32 : 0;             // nothing
  wrong |= may_open("/dev/urandom", O_RDONLY) ? 64 : 0;  // allowed, then taken back
  return wrong;
}

std::vector<oci::DeviceRule> some_rules() {
  return {{.allow = false},
          {.allow = true, .type = 'c', .access = "m"},
          {.allow = true, .type = 'c', .major = 1, .minor = 3},
          {.allow = true, .type = 'c', .major = 1, .minor = 5, .access = "r"},
          {.allow = true, .type = 'c', .major = 1, .minor = 9, .access = "rw"},
          {.allow = false, .type = 'c', .major = 1, .minor = 9, .access = "rw"}};
}

class CgroupDeviceTest : public CgroupTest, public ::testing::WithParamInterface<DeviceControl> {
 protected:
  void SetUp() override {
    CgroupTest::SetUp();
    layout_.devices = GetParam();
    if (GetParam() == DeviceControl::v1 && !layout_.v1.contains("devices")) {
      GTEST_SKIP() << "this machine has no v1 devices hierarchy";
    }
    if (GetParam() == DeviceControl::bpf && !has_unified()) GTEST_SKIP() << "this machine has no unified hierarchy";
  }
};

TEST_P(CgroupDeviceTest, TheRulesDecideWhatMayBeOpenedAndMade) {
  const Plan made = make({{"web", {.devices = some_rules()}}});
  Child child = start(made.leaves[0], try_devices);
  EXPECT_EQ(child.finish().code, 0);
}

TEST_P(CgroupDeviceTest, WhatIsAllowedButForOneDeviceIsAllowed) {
  const Plan made = make(
      {{"web", {.devices = {{.allow = true}, {.allow = false, .type = 'c', .major = 1, .minor = 5, .access = "w"}}}}});
  Child child = start(made.leaves[0], [] {
    const bool right = may_open("/dev/null", O_RDWR) && may_open("/dev/zero", O_RDONLY) &&
                       !may_open("/dev/zero", O_RDWR) && may_make(S_IFBLK, 7, 0);
    return right ? 0 : 1;
  });
  EXPECT_EQ(child.finish().code, 0);
}

TEST_P(CgroupDeviceTest, TheContainersOfAPodHaveTheirOwnRules) {
  const Plan made = make({{"web", {.devices = {{.allow = false}}}}, {"side", {.devices = {{.allow = true}}}}});
  Child confined = start(made.leaves[0], [] { return may_open("/dev/null", O_RDONLY) ? 1 : 0; });
  Child free = start(made.leaves[1], [] { return may_open("/dev/null", O_RDONLY) ? 0 : 1; });
  EXPECT_EQ(confined.finish().code, 0);
  EXPECT_EQ(free.finish().code, 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, CgroupDeviceTest, ::testing::Values(DeviceControl::bpf, DeviceControl::v1),
                         [](const auto& way) { return way.param == DeviceControl::bpf ? "Bpf" : "V1"; });

// --- removing
// ---------------------------------------------------------------------------------------------------------

const oci::Resources kEverything{.memory_limit = 64 * kMebibyte, .cpu_quota = 50000, .pids_limit = 100};

TEST_F(CgroupTest, RemovingEndsEveryProcessAndLeavesNothing) {
  const Plan made = make({{"web", kEverything}, {"side", {}}});
  Child leader = start(made.leaves[0], [] {
    for (int i = 0; i < 5; ++i) {
      if (::fork() == 0) live_on();
    }
    return live_on();
  });
  leader.go();
  Child side = start(made.leaves[1], live_on);
  expect_ok(remove(layout_, kUid));
  EXPECT_EQ(leader.wait().signum, SIGKILL);
  EXPECT_EQ(side.wait().signum, SIGKILL);
  EXPECT_TRUE(test::cgroup_tree(layout_.parent).empty());
}

TEST_F(CgroupTest, RemovingTwiceOrWhatNeverWasIsSuccess) {
  expect_ok(remove(layout_, "never-was"));
  make({{"web", kEverything}});
  expect_ok(remove(layout_, kUid));
  expect_ok(remove(layout_, kUid));
}

TEST_F(CgroupTest, TheCommonParentStaysWhileAnotherPodLives) {
  make({{"web", kEverything}});
  const Plan other = make({{"web", {}}}, "other");
  Child child = start(other.leaves[0], live_on);
  expect_ok(remove(layout_, kUid));
  EXPECT_THAT(look("web", "other").processes, UnorderedElementsAre(child.pid()));
  expect_ok(remove(layout_, "other"));
  EXPECT_TRUE(test::cgroup_tree(layout_.parent).empty());
}

TEST_F(CgroupTest, CgroupsMadeInsideAContainerGoWithIt) {
  const Plan made = make({{"web", kEverything}});
  std::vector<fs::path> leaves = made.leaves[0].v1_directories;
  if (has_unified()) leaves.push_back(made.leaves[0].unified_directory);
  for (const fs::path& leaf : leaves) {
    fs::create_directories(leaf / "a" / "b" / "c");
    fs::create_directories(leaf / "a" / "d");
    fs::create_directory(leaf / "with space");
  }
  Child child = start(made.leaves[0], live_on);
  expect_ok(remove(layout_, kUid));
  EXPECT_EQ(child.wait().signum, SIGKILL);
}

TEST_F(CgroupTest, ADeepTreeOfCgroupsNeedsFewDescriptors) {
  const Plan made = make({{"web", {.pids_limit = 100}}});
  const LeafPlan& leaf = made.leaves[0];
  fs::path deep = leaf.v1_directories.empty() ? leaf.unified_directory : leaf.v1_directories[0];
  for (int depth = 0; depth < 300; ++depth) fs::create_directory(deep /= "d");
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit tight{64, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  expect_ok(remove(layout_, kUid));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(CgroupTest, ALeafFromACrashHalfwayIsRemoved) {
  const Plan made = make({{"web", kEverything}});
  // As if the process had died between two directories.
  if (has_unified()) {
    ASSERT_TRUE(sys::remove_cgroup(made.leaves[0].unified_directory));
  } else {
    ASSERT_TRUE(sys::remove_cgroup(made.leaves[0].v1_directories.back()));
  }
  expect_ok(remove(layout_, kUid));
  EXPECT_TRUE(test::cgroup_tree(layout_.parent).empty());
}

TEST_F(CgroupTest, ProcessesThatForkWithoutEndAreEnded) {
  const Plan made = make({{"web", {.pids_limit = 40}}});
  Child child = start(made.leaves[0], [] {
    // Children that fork and end at once: at no moment are the members those of the moment before.
    ::signal(SIGCHLD, SIG_IGN);
    for (;;) {
      if (::fork() == 0) {
        ::fork();
        ::_exit(0);
      }
    }
    return 0;
  });
  child.go();
  expect_ok(remove(layout_, kUid));
  EXPECT_EQ(child.wait().signum, SIGKILL);
  EXPECT_TRUE(test::cgroup_tree(layout_.parent).empty());
}

TEST_F(CgroupTest, TwoWhoRemoveTheSamePodBothSucceed) {
  for (int round = 0; round < 20; ++round) {
    const Plan made = make({{"web", kEverything}, {"side", {}}});
    Child child = start(made.leaves[1], live_on);
    const pid_t other = ::fork();
    ASSERT_GE(other, 0);
    if (other == 0) ::_exit(remove(layout_, kUid) ? 0 : 1);
    expect_ok(remove(layout_, kUid));
    int status = -1;
    ASSERT_EQ(::waitpid(other, &status, 0), other);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(child.wait().signum, SIGKILL);
  }
}

TEST_F(CgroupTest, ProcessesInAV1HierarchyAloneAreEndedOneByOne) {
  if (!layout_.v1.contains("pids")) GTEST_SKIP() << "this machine has no v1 pids hierarchy";
  layout_.unified.clear();  // as on a machine that has v1 alone
  layout_.unified_controllers.clear();
  layout_.devices = DeviceControl::v1;
  const Plan made = make({{"web", {}}});
  ASSERT_EQ(made.leaves[0].v1_directories.size(), 1U);
  const Result<Leaf> leaf = open_leaf(made.leaves[0]);
  ASSERT_TRUE(leaf);
  EXPECT_FALSE(leaf->unified.is_open());
  Child child = start(made.leaves[0], [] {
    for (int i = 0; i < 5; ++i) {
      if (::fork() == 0) live_on();
    }
    return live_on();
  });
  child.go();
  expect_ok(remove(layout_, kUid));
  EXPECT_EQ(child.wait().signum, SIGKILL);
  EXPECT_TRUE(test::cgroup_tree(layout_.parent).empty());
}

TEST_F(CgroupTest, PodsThatComeAndGoAtOnceDoNotTakeTheParentFromEachOther) {
  constexpr int kRounds = 200;
  const auto rounds = [this](const std::string& uid) {
    for (int round = 0; round < kRounds; ++round) {
      const Result<Plan> planned = plan(layout_, uid, {{"web", kEverything}});
      if (!planned || !create(*planned)) return 1;
      if (!remove(layout_, uid)) return 2;
    }
    return 0;
  };
  const pid_t other = ::fork();
  ASSERT_GE(other, 0);
  if (other == 0) ::_exit(rounds("other"));
  EXPECT_EQ(rounds(kUid), 0);
  int status = -1;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
}

TEST_F(CgroupTest, ObservingWhatIsNotThereIsNotFound) {
  const Result<Observed> seen = observe(layout_, "nobody", "web");
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().kind(), Kind::not_found);
}

}  // namespace
}  // namespace tank::cgroup
