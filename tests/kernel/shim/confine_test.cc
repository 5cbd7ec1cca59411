// Who the workload is, what it may do, what it was given: as it sees itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstring>
#include <fstream>

#include "kernel/shim/rig.h"

namespace tank::shim::test {
namespace {

namespace fs = std::filesystem;
using Type = Notice::Type;

/// Allows everything but one system call, which fails with EDOM.
std::vector<std::uint8_t> filter_without(int number) {
  const sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  std::vector<std::uint8_t> bytes(sizeof program);
  std::memcpy(bytes.data(), program, sizeof program);
  return bytes;
}

TEST(ShimIdentity, IsExactlyTheOneOfTheConfiguration) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "self"});
  plan.config.process.user = {1000, 1001, {5, 3000, 4000}};
  plan.config.process.cwd = "/tmp";
  const std::string out = rig.run(plan);
  EXPECT_EQ(value_of(out, "Uid"), "1000\t1000\t1000\t1000");
  EXPECT_EQ(value_of(out, "Gid"), "1001\t1001\t1001\t1001");
  EXPECT_EQ(value_of(out, "Groups"), "5 3000 4000 ");
  EXPECT_EQ(value_of(out, "pid"), "1");
  EXPECT_EQ(value_of(out, "session"), "1");
  EXPECT_EQ(value_of(out, "cwd"), "/tmp");
  EXPECT_EQ(value_of(out, "hostname"), "web");
  EXPECT_EQ(value_of(out, "umask"), "0022");
  EXPECT_EQ(value_of(out, "blocked"), "0");
  EXPECT_EQ(value_of(out, "ignored"), "0");
}

TEST(ShimIdentity, RootHasExactlyItsCapabilities) {
  Rig rig;
  const std::string out = rig.run(rig.plan({"payload", "self"}));
  // CHOWN 0, KILL 5, SETGID 6, SETUID 7.
  for (const auto* set : {"CapPrm", "CapEff", "CapBnd"}) EXPECT_EQ(value_of(out, set), "00000000000000e1") << set;
  for (const auto* set : {"CapInh", "CapAmb"}) EXPECT_EQ(value_of(out, set), "0000000000000000") << set;
  EXPECT_EQ(value_of(out, "NoNewPrivs"), "1");
  EXPECT_EQ(value_of(out, "Groups"), "");
}

TEST(ShimIdentity, AnotherUserHasNoneUnlessTheyAreAmbient) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "self"});
  plan.config.process.user.uid = 1000;
  std::string out = rig.run(plan);
  for (const auto* set : {"CapPrm", "CapEff", "CapInh", "CapAmb"}) {
    EXPECT_EQ(value_of(out, set), "0000000000000000") << set;
  }
  EXPECT_EQ(value_of(out, "CapBnd"), "00000000000000e1");
  plan = rig.plan({"payload", "self"});
  plan.config.process.user.uid = 1000;
  plan.config.process.capabilities.inheritable = {"CAP_KILL"};
  plan.config.process.capabilities.ambient = {"CAP_KILL"};
  out = rig.run(plan);
  for (const auto* set : {"CapPrm", "CapEff", "CapInh", "CapAmb"}) {
    EXPECT_EQ(value_of(out, set), "0000000000000020") << set;
  }
}

TEST(ShimSeccomp, TheFilterIsOnWithAndWithoutNoNewPrivileges) {
  for (const bool no_new_privileges : {true, false}) {
    for (const bool init : {false, true}) {
      Rig rig;
      ContainerPlan plan = rig.plan({"payload", "mkdir", "/tmp/x"});
      plan.seccomp = filter_without(SYS_mkdir);
      plan.config.process.no_new_privileges = no_new_privileges;
      plan.init = init;
      EXPECT_EQ(rig.run(plan), concat("mkdir ", EDOM, "\n"));
      plan = rig.plan({"payload", "self"});
      plan.seccomp = filter_without(SYS_mkdir);
      plan.config.process.no_new_privileges = no_new_privileges;
      plan.config.process.user.uid = init ? 1000 : 0;
      plan.init = init;
      const std::string out = rig.run(plan);
      EXPECT_EQ(value_of(out, "Seccomp"), "2");
      EXPECT_EQ(value_of(out, "NoNewPrivs"), no_new_privileges ? "1" : "0");
      EXPECT_EQ(value_of(out, "CapEff"), init ? "0000000000000000" : "00000000000000e1");
      EXPECT_EQ(value_of(out, "CapBnd"), "00000000000000e1");
    }
  }
}

TEST(ShimSeccomp, AFilterThatIsNoneIsRefused) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "exit", "0"});
  plan.seccomp = {1, 2, 3};
  EXPECT_FALSE(rig.client().create(plan));
  plan.seccomp = std::vector<std::uint8_t>(8, 0xff);
  ASSERT_TRUE(rig.client().create(plan));
  rig.expect(Type::ready);
  ASSERT_TRUE(rig.client().proceed("main"));
  EXPECT_EQ(rig.expect(Type::failed).step, "seccomp");
}

TEST(ShimInit, IsConfinedAsTheWorkloadIs) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "cat", "/proc/1/status"});
  plan.init = true;
  plan.seccomp = filter_without(SYS_mkdir);
  plan.config.process.user.uid = 1000;
  const std::string out = rig.run(plan);
  EXPECT_EQ(value_of(out, "Name"), "tank-shim");
  EXPECT_EQ(value_of(out, "Uid"), "1000\t1000\t1000\t1000");
  EXPECT_EQ(value_of(out, "CapBnd"), "00000000000000e1");
  EXPECT_EQ(value_of(out, "NoNewPrivs"), "1");
  EXPECT_EQ(value_of(out, "Seccomp"), "2");
}

TEST(ShimDescriptors, OnlyStdioIsInherited) {
  Rig rig;
  const std::string out = rig.run(rig.plan({"payload", "self"}));
  int count = 0;
  for (std::size_t at = out.find("fd "); at != std::string::npos; at = out.find("\nfd ", at + 1)) ++count;
  EXPECT_EQ(value_of(out, "fd 0"), "/dev/null") << out;
  EXPECT_EQ(value_of(out, "fd 1").rfind("pipe:", 0), 0U);
  EXPECT_EQ(value_of(out, "fd 2").rfind("pipe:", 0), 0U);
  EXPECT_EQ(out.find("\nfd 3 "), std::string::npos) << out;
  EXPECT_EQ(out.find("\nfd 4 "), std::string::npos) << out;
}

TEST(ShimDescriptors, AUserMayReopenItsPipes) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "write", "/dev/stdout", "/dev/stderr"});
  plan.config.process.user.uid = 1000;
  EXPECT_EQ(rig.run(plan), "open /dev/stdout 0\nopen /dev/stderr 0\n");
}

TEST(ShimIdentity, HasASessionKeyringOfItsOwn) {
  Rig rig;
  const std::string own = value_of(rig.run(rig.plan({"payload", "keyring"})), "keyring");
  const std::string other = value_of(rig.run(rig.plan({"payload", "keyring"})), "keyring");
  const long host = syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0);
  if (host < 0 && errno == ENOSYS) GTEST_SKIP() << "the kernel has no keyrings";
  EXPECT_GT(std::stol(own), 0);
  EXPECT_NE(own, std::to_string(host));
  EXPECT_NE(own, other);
}

TEST(ShimProgram, CannotBeOpenedForWritingFromInside) {
  for (const bool init : {false, true}) {
    Rig rig;
    // The container's root is root with every capability, which is the worst case.
    ContainerPlan plan = rig.plan({"payload", "write", "/proc/1/exe", "/proc/self/exe"});
    plan.init = init;
    auto& capabilities = plan.config.process.capabilities;
    for (const auto* name : {"CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE", "CAP_SYS_ADMIN"}) {
      for (auto* set : {&capabilities.bounding, &capabilities.effective, &capabilities.permitted})
        set->emplace_back(name);
    }
    const std::string out = rig.run(plan);
    EXPECT_EQ(out.find("open /proc/1/exe 0"), std::string::npos) << out;
    EXPECT_EQ(out.find("open /proc/self/exe 0"), std::string::npos) << out;
  }
}

TEST(ShimProgram, StaysReadOnlyWhenItIsNoLongerBusy) {
  // The way of CVE-2019-5736: keep a descriptor of the running program, wait until nobody runs it, open it again.
  int program = -1;
  {
    Rig rig;
    rig.settle();
    program = open(concat("/proc/", rig.shim(), "/exe").c_str(), O_PATH | O_CLOEXEC);
    ASSERT_GE(program, 0);
    rig.dismiss();
  }
  const std::string again = concat("/proc/self/fd/", program);
  EXPECT_LT(open(again.c_str(), O_WRONLY | O_CLOEXEC), 0);
  EXPECT_EQ(errno, EROFS);
  EXPECT_LT(open(again.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC), 0);
  EXPECT_EQ(errno, EROFS);
  close(program);
  // The host's own way to its file is as it was.
  const int direct = open(shim_program().c_str(), O_WRONLY | O_CLOEXEC);
  EXPECT_GE(direct, 0) << std::strerror(errno);
  close(direct);
}

TEST(ShimDirectory, IsMadeWhenItIsMissing) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "self"});
  plan.config.process.cwd = "/srv/made/here";
  EXPECT_EQ(value_of(rig.run(plan), "cwd"), "/srv/made/here");
}

TEST(ShimDirectory, CannotBeADescriptorOfTheHost) {
  for (const auto* directory :
       {"/proc/self/fd/3", "/proc/self/fd/4", "/proc/self/fd/5", "/proc/self/fd/7", "/proc/self/fd/8/../../.."}) {
    Rig rig;
    ContainerPlan plan = rig.plan({"payload", "self"});
    plan.config.process.cwd = directory;
    ASSERT_TRUE(rig.client().create(plan));
    rig.expect(Type::ready);
    ASSERT_TRUE(rig.client().proceed("main"));
    EXPECT_EQ(rig.expect(Type::failed).step, "directory") << directory;
  }
}

TEST(ShimDirectory, IsAnErrorWhenItIsAFile) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "self"});
  plan.config.process.cwd = "/bin/payload";
  ASSERT_TRUE(rig.client().create(plan));
  rig.expect(Type::ready);
  ASSERT_TRUE(rig.client().proceed("main"));
  const Notice failed = rig.expect(Type::failed);
  EXPECT_EQ(failed.step, "directory");
  EXPECT_EQ(failed.value, ENOTDIR);
}

TEST(ShimLimits, AreSetAndAWishBeyondTheHardOneIsCut) {
  rlimit now{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "cat", "/proc/self/limits"});
  plan.config.process.rlimits = {{"RLIMIT_CORE", 0, 0}, {"RLIMIT_NPROC", 1000, 2000}};
  const std::string out = rig.run(plan);
  EXPECT_NE(out.find("Max core file size        0                    0"), std::string::npos) << out;
  EXPECT_NE(out.find("Max processes             1000                 2000"), std::string::npos) << out;
  plan = rig.plan({"payload", "exit", "0"});
  plan.config.process.rlimits = {{"RLIMIT_NOFILE", 1 << 29, 1 << 29}};
  rig.run(plan);
}

TEST(ShimLimits, TheOomScoreIsRaised) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "cat", "/proc/self/oom_score_adj"});
  plan.config.process.oom_score_adj = 555;
  EXPECT_EQ(rig.run(plan), "555\n");
  plan = rig.plan({"payload", "exit", "0"});
  plan.config.process.oom_score_adj = -1000;
  rig.run(plan);
}

TEST(ShimSysctl, IsSetInThePodsNamespacesOnly) {
  const auto host_value = [] {
    std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    std::string text;
    file >> text;
    return text;
  };
  const std::string before = host_value();
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start",
                                 "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/shm_rmid_forced"});
  plan.config.linux_.sysctl = {
      {"net.ipv4.ip_unprivileged_port_start", "7"}, {"net/ipv4/ip_forward", "1"}, {"kernel.shm_rmid_forced", "1"}};
  EXPECT_EQ(rig.run(plan), "7\n1\n1\n");
  EXPECT_EQ(host_value(), before);
}

TEST(ShimSysctl, CannotBeAPathOutOfProcSys) {
  for (const auto* key : {"net/../../sysrq-trigger", "nonexistent.key", "net/ipv4"}) {
    Rig rig;
    ContainerPlan plan = rig.plan({"payload", "exit", "0"});
    plan.config.linux_.sysctl = {{key, "1"}};
    ASSERT_TRUE(rig.client().create(plan));
    rig.expect(Type::ready);
    ASSERT_TRUE(rig.client().proceed("main"));
    const Notice failed = rig.expect(Type::failed);
    EXPECT_EQ(failed.step, "sysctl") << key;
    EXPECT_NE(failed.text.find(key), std::string::npos);
  }
}

TEST(ShimEnvironment, IsExactlyTheOneOfTheConfiguration) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "env"});
  plan.config.process.env = {"PATH=/nonexistent:/bin", "A=1", "EMPTY="};
  EXPECT_EQ(rig.run(plan), "env PATH=/nonexistent:/bin\nenv A=1\nenv EMPTY=\n");
}

/// A cgroup of this test's own in one hierarchy, removed at its end.
class Cgroup {
 public:
  explicit Cgroup(const fs::path& hierarchy) : path_(hierarchy / concat("tank-shim-test-", getpid())) {
    fs::create_directory(path_);
  }
  ~Cgroup() { EXPECT_EQ(rmdir(path_.c_str()), 0) << std::strerror(errno); }
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  const fs::path& path() const { return path_; }
  std::string name() const { return path_.filename(); }

 private:
  fs::path path_;
};

TEST(ShimCgroup, TheContainerStartsInItsOwnAndSeesItAsTheTop) {
  const bool hybrid = fs::exists("/sys/fs/cgroup/unified/cgroup.procs");
  const Cgroup unified(hybrid ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup");
  const sys::Fd directory(open(unified.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(directory.is_open());
  Rig rig;
  ContainerPlan plan = rig.plan(
      {"payload", "cat", "/proc/self/cgroup", "/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/cgroup.procs"});
  plan.cgroup = directory.get();
  ASSERT_TRUE(rig.client().create(plan));
  const pid_t pid = rig.expect(Type::ready).host_pid;
  rig.hand_over();
  std::ifstream file(concat("/proc/", pid, "/cgroup"));
  const std::string outside((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(outside.find(concat("0::/", unified.name(), "\n")), std::string::npos) << outside;
  ASSERT_TRUE(rig.client().proceed("main"));
  rig.expect(Type::running);
  const std::string inside = read_to_end(rig.output());
  EXPECT_NE(inside.find("0::/\n"), std::string::npos) << inside;
  // The one process in the cgroup that the container's view has at its top is its own.
  EXPECT_NE(inside.find("\n1\n"), std::string::npos) << inside;
  EXPECT_EQ(rig.expect(Type::exited).value, 0);
}

TEST(ShimCgroup, JoinsTheHierarchiesOfTheFirstVersion) {
  if (!fs::exists("/sys/fs/cgroup/pids/cgroup.procs")) GTEST_SKIP() << "no v1 pids hierarchy here";
  const Cgroup pids("/sys/fs/cgroup/pids");
  const sys::Fd procs(open((pids.path() / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "cat", "/sys/fs/cgroup/pids/cgroup.procs"});
  plan.cgroup_procs = {procs.get()};
  ASSERT_TRUE(rig.client().create(plan));
  const pid_t pid = rig.expect(Type::ready).host_pid;
  rig.hand_over();
  std::ifstream file(concat("/proc/", pid, "/cgroup"));
  const std::string outside((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(outside.find(concat(":pids:/", pids.name(), "\n")), std::string::npos) << outside;
  ASSERT_TRUE(rig.client().proceed("main"));
  rig.expect(Type::running);
  EXPECT_EQ(read_to_end(rig.output()), "1\n");
  EXPECT_EQ(rig.expect(Type::exited).value, 0);
}

class ShimTerminal : public testing::TestWithParam<bool> {};

TEST_P(ShimTerminal, IsTheControllingOneOfTheWorkload) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "terminal"});
  plan.config.process.terminal = true;
  plan.config.process.user.uid = 1000;
  plan.init = GetParam();
  ASSERT_TRUE(rig.client().create(plan));
  const Notice ready = rig.expect(Type::ready);
  ASSERT_TRUE(ready.terminal.has_value());
  const winsize size{40, 100, 0, 0};
  ASSERT_EQ(ioctl(ready.terminal->get(), TIOCSWINSZ, &size), 0);
  ASSERT_TRUE(rig.client().proceed("main"));
  rig.expect(Type::running);
  std::string out;
  char letter = 0;
  // The kernel says EIO when the last slave is closed, after all that was written was read.
  while (out.find("stat /dev/console") == std::string::npos || letter != '\n') {
    if (read(ready.terminal->get(), &letter, 1) != 1) break;
    if (letter != '\r') out += letter;
  }
  EXPECT_EQ(value_of(out, "isatty"), "111") << out;
  EXPECT_EQ(value_of(out, "size"), "100x40");
  EXPECT_EQ(value_of(out, "controlling"), "1");
  EXPECT_EQ(value_of(out, "foreground"), "1");
  EXPECT_EQ(value_of(out, "name"), "/dev/pts/0");
  EXPECT_EQ(value_of(out, "stat /dev/console").substr(0, 6), "mode 2");
  EXPECT_EQ(rig.expect(Type::exited).value, 0);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutInit, ShimTerminal, testing::Bool());

TEST(ShimTerminal, IsHandedToALaterOwner) {
  Rig rig(OnOwnerLoss::wait);
  ContainerPlan plan = rig.plan({"payload", "pause"});
  plan.config.process.terminal = true;
  rig.start(plan);
  rig.drop_client();
  auto client = Client::connect(rig.socket());
  ASSERT_TRUE(client) << client.error().sentence();
  rig.adopt(std::move(*client));
  const Notice running = rig.expect(Type::running);
  ASSERT_TRUE(running.terminal.has_value());
  EXPECT_EQ(isatty(running.terminal->get()), 1);
}

}  // namespace
}  // namespace tank::shim::test
