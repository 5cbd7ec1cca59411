// From create to the last word: what a container's process can do and what can be done to it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "kernel/shim/rig.h"

namespace tank::shim::test {
namespace {

namespace fs = std::filesystem;
using Type = Notice::Type;
using std::chrono::milliseconds;

TEST(ShimLifecycle, TellsTheExitCode) {
  Rig rig;
  rig.start(rig.plan({"payload", "exit", "7"}));
  EXPECT_EQ(rig.expect(Type::exited).value, 7);
  rig.dismiss();
}

TEST(ShimLifecycle, TellsTheSignal) {
  Rig rig;
  rig.start(rig.plan({"payload", "pause"}));
  read_until(rig.output(), "waiting");
  ASSERT_TRUE(rig.client().signal("main", SIGKILL));
  EXPECT_EQ(rig.expect(Type::signaled).value, SIGKILL);
  rig.dismiss();
}

TEST(ShimLifecycle, SaysWhichCommandIsMissing) {
  Rig rig;
  for (const auto* command : {"nonesuch", "/bin/nonesuch", "./nonesuch"}) {
    ASSERT_TRUE(rig.client().create(rig.plan({command})));
    rig.expect(Type::ready);
    ASSERT_TRUE(rig.client().proceed("main"));
    const Notice failed = rig.expect(Type::failed);
    EXPECT_EQ(failed.step, "exec");
    EXPECT_EQ(failed.value, ENOENT);
    EXPECT_NE(failed.text.find(command), std::string::npos) << failed.text;
  }
}

TEST(ShimLifecycle, SaysWhichCommandCannotBeExecuted) {
  Rig rig;
  std::ofstream(rig.root() / "bin" / "plain") << "not a program";
  fs::permissions(rig.root() / "bin" / "plain", fs::perms(0644));
  std::ofstream(rig.root() / "bin" / "noise") << "not a program";
  fs::permissions(rig.root() / "bin" / "noise", fs::perms(0755));
  const std::vector<std::pair<std::string, int>> cases = {
      {"plain", EACCES}, {"/bin/plain", EACCES}, {"/etc", EACCES}, {"noise", ENOEXEC}};
  for (const auto& [command, number] : cases) {
    ASSERT_TRUE(rig.client().create(rig.plan({command})));
    rig.expect(Type::ready);
    ASSERT_TRUE(rig.client().proceed("main"));
    const Notice failed = rig.expect(Type::failed);
    EXPECT_EQ(failed.step, "exec");
    EXPECT_EQ(failed.value, number) << command;
  }
}

TEST(ShimLifecycle, KillsAfterTheGraceWhoIgnoresTheStopSignal) {
  Rig rig;
  rig.start(rig.plan({"payload", "ignore", "15"}));
  read_until(rig.output(), "waiting");
  ASSERT_TRUE(rig.client().stop("main", milliseconds(50)));
  EXPECT_EQ(rig.expect(Type::signaled).value, SIGKILL);
}

TEST(ShimLifecycle, ASecondStopShortensTheGraceAndNeverLengthensIt) {
  Rig rig;
  rig.start(rig.plan({"payload", "ignore", "15"}));
  read_until(rig.output(), "waiting");
  ASSERT_TRUE(rig.client().stop("main", std::chrono::hours(1)));
  ASSERT_TRUE(rig.client().stop("main", milliseconds(1)));
  ASSERT_TRUE(rig.client().stop("main", std::chrono::hours(1)));
  EXPECT_EQ(rig.expect(Type::signaled).value, SIGKILL);
}

TEST(ShimLifecycle, SendsTheStopSignalOfThePlan) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "catch", std::to_string(SIGUSR1), "42"});
  plan.stop_signal = SIGUSR1;
  rig.start(plan);
  read_until(rig.output(), "waiting");
  ASSERT_TRUE(rig.client().stop("main", std::chrono::hours(1)));
  EXPECT_EQ(rig.expect(Type::exited).value, 42);
}

TEST(ShimLifecycle, AStopRightAfterProceedIsNotLost) {
  for (int round = 0; round < 20; ++round) {
    Rig rig;
    ASSERT_TRUE(rig.client().create(rig.plan({"payload", "pause"})));
    rig.expect(Type::ready);
    ASSERT_TRUE(rig.client().proceed("main"));
    ASSERT_TRUE(rig.client().stop("main", milliseconds(10)));
    rig.expect(Type::running);
    EXPECT_EQ(rig.expect(Type::signaled).value, SIGKILL);
  }
}

TEST(ShimLifecycle, AbortEndsAParkedContainerWithItsOwnWord) {
  Rig rig;
  ASSERT_TRUE(rig.client().create(rig.plan({"payload", "exit", "0"})));
  const pid_t pid = rig.expect(Type::ready).host_pid;
  ASSERT_TRUE(rig.client().abort("main"));
  rig.expect(Type::aborted);
  EXPECT_FALSE(process_exists(pid));
  rig.dismiss();
}

TEST(ShimLifecycle, StopOfAParkedContainerIsAnAbort) {
  Rig rig;
  ASSERT_TRUE(rig.client().create(rig.plan({"payload", "exit", "0"})));
  rig.expect(Type::ready);
  ASSERT_TRUE(rig.client().stop("main", milliseconds(5)));
  rig.expect(Type::aborted);
}

TEST(ShimLifecycle, AParkedContainerThatIsKilledHasFailed) {
  Rig rig;
  ASSERT_TRUE(rig.client().create(rig.plan({"payload", "exit", "0"})));
  ASSERT_EQ(kill(rig.expect(Type::ready).host_pid, SIGKILL), 0);
  EXPECT_EQ(rig.expect(Type::failed).step, "setup");
}

TEST(ShimLifecycle, AnEndedContainerIsRebuiltUnderItsName) {
  Rig rig;
  for (int round = 0; round < 3; ++round) {
    rig.start(rig.plan({"payload", "exit", std::to_string(round)}));
    EXPECT_EQ(rig.expect(Type::exited).value, round);
  }
}

TEST(ShimLifecycle, ALivingContainerIsNotReplaced) {
  Rig rig;
  const pid_t pid = rig.start(rig.plan({"payload", "pause"}));
  ContainerPlan second = rig.plan({"payload", "exit", "0"});
  const Notice failed = rig.create_failing(second);
  EXPECT_EQ(failed.value, EEXIST);
  EXPECT_TRUE(process_exists(pid));
  const Result<> dismissed = rig.client().dismiss();
  ASSERT_FALSE(dismissed);
  EXPECT_EQ(dismissed.error().kind(), Kind::busy);
  ASSERT_TRUE(rig.client().stop("main", milliseconds(0)));
  rig.expect(Type::signaled);
  rig.dismiss();
}

TEST(ShimLifecycle, SeveralContainersShareThePodsNamespacesOnly) {
  Rig rig;
  const pid_t first = rig.start(rig.plan({"payload", "pause"}));
  const pid_t second = rig.start(rig.plan({"payload", "pause"}, "side"));
  const auto space = [](pid_t pid, const char* name) {
    return fs::read_symlink(concat("/proc/", pid, "/ns/", name)).native();
  };
  for (const auto* shared : {"net", "ipc", "uts"}) {
    EXPECT_EQ(space(first, shared), space(second, shared)) << shared;
    EXPECT_NE(space(first, shared), space(getpid(), shared)) << shared;
  }
  for (const auto* own : {"mnt", "pid", "cgroup"}) {
    EXPECT_NE(space(first, own), space(second, own)) << own;
    EXPECT_NE(space(first, own), space(getpid(), own)) << own;
  }
}

TEST(ShimInit, ReapsOrphansAndExitsAsTheWorkloadDid) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "orphan"});
  plan.init = true;
  rig.start(plan);
  EXPECT_EQ(rig.expect(Type::exited).value, 0);
}

TEST(ShimInit, PassesTheExitCodeOn) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "exit", "5"});
  plan.init = true;
  rig.start(plan);
  EXPECT_EQ(rig.expect(Type::exited).value, 5);
}

TEST(ShimInit, ForwardsSignals) {
  for (const int signum : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH}) {
    Rig rig;
    ContainerPlan plan = rig.plan({"payload", "catch", std::to_string(signum), "3"});
    plan.init = true;
    rig.start(plan);
    read_until(rig.output(), "waiting");
    ASSERT_TRUE(rig.client().signal("main", signum));
    EXPECT_EQ(rig.expect(Type::exited).value, 3) << signum;
  }
}

TEST(ShimInit, TellsTheSignalThatEndedTheWorkload) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "raise", std::to_string(SIGABRT)});
  plan.init = true;
  rig.start(plan);
  EXPECT_EQ(rig.expect(Type::signaled).value, SIGABRT);
}

TEST(ShimInit, AnExitCodeAbove128IsNoSignal) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "exit", "137"});
  plan.init = true;
  rig.start(plan);
  EXPECT_EQ(rig.expect(Type::exited).value, 137);
}

TEST(ShimInit, SaysWhichCommandIsMissing) {
  Rig rig;
  ContainerPlan plan = rig.plan({"nonesuch"});
  plan.init = true;
  ASSERT_TRUE(rig.client().create(plan));
  rig.expect(Type::ready);
  ASSERT_TRUE(rig.client().proceed("main"));
  const Notice failed = rig.expect(Type::failed);
  EXPECT_EQ(failed.step, "exec");
  EXPECT_EQ(failed.value, ENOENT);
}

TEST(ShimInit, IsKilledAfterTheGraceWhenTheWorkloadIgnoresTheSignal) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "ignore", "15"});
  plan.init = true;
  rig.start(plan);
  read_until(rig.output(), "waiting");
  ASSERT_TRUE(rig.client().stop("main", milliseconds(30)));
  EXPECT_EQ(rig.expect(Type::signaled).value, SIGKILL);
}

}  // namespace
}  // namespace tank::shim::test
