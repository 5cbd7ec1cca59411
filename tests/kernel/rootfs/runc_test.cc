// Is what we write what runc reads? A busybox root, our config.json, and runc as the judge of both.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include "kernel/rootfs/scratch.h"
#include "oci/capabilities.h"
#include "oci/lower.h"
#include "rootfs/apply.h"
#include "rootfs/observe.h"
#include "rootfs/user_files.h"

extern char** environ;

namespace tank::rootfs {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

struct Outcome {
  int status = -1;
  std::string output;
};

Outcome run(std::vector<std::string> words, const fs::path& output) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = -1;
  const int failed = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return {-1, "spawn failed"};
  int state = 0;
  ::waitpid(child, &state, 0);
  return {WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state), read(output)};
}

class Runc : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists("/usr/sbin/runc") && !fs::exists("/usr/bin/runc")) GTEST_SKIP() << "runc is not installed";
    if (!fs::exists("/bin/busybox")) GTEST_SKIP() << "busybox-static is not installed";
    for (const auto* name : {"bin", "etc", "proc", "dev", "sys", "data"})
      fs::create_directories(scratch_ / ("layer/" + std::string(name)));
    fs::copy_file("/bin/busybox", scratch_ / "layer/bin/busybox");
    for (const auto* name : {"true", "sh", "cat", "id", "grep", "ls", "mount", "unshare", "touch", "stat"})
      fs::create_symlink("busybox", scratch_ / ("layer/bin/" + std::string(name)));
    write(scratch_ / "layer/etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/srv/web:/bin/sh\n");
    write(scratch_ / "layer/etc/group", "root:x:0:\nweb:x:1001:\nlog:x:4:web\n");
    pod_.name = "p";
    pod_.containers.resize(1);
    pod_.containers[0].name = "c";
    image_.config.cmd = {"/bin/true"};
    image_.layers = {scratch_ / "layer"};
  }

  Outcome run_container() {
    const Directories directories{scratch_ / "data", scratch_ / "run/p", "u1"};
    const auto files = plan(pod_, {image_}, directories, {"127.0.0.1 localhost\n", "p\n", "nameserver 127.0.0.1\n"});
    EXPECT_TRUE(files);
    EXPECT_TRUE(apply(*files));
    const auto users = read_user_files(image_.layers);
    const auto host = observe_host(pod_);
    EXPECT_TRUE(users && host);
    const std::string id = "tank-test-" + std::to_string(::getpid());
    auto config = oci::lower({pod_, pod_.containers[0], image_.config, *users, *host, scratch_ / "layer",
                              files->containers[0].mounts, "p", "/" + id, ""});
    EXPECT_TRUE(config) << config.error().sentence();
    // Lowering it needs a capability that root need not have. The shim clamps; runc fails.
    config->process.oom_score_adj =
        std::max(*config->process.oom_score_adj, std::stoi(read("/proc/self/oom_score_adj")));
    write(scratch_ / "bundle/config.json", oci::to_json(*config));
    return run({"runc", "--root", scratch_ / "runc", "run", "--bundle", scratch_ / "bundle", id}, scratch_ / "output");
  }
  Outcome shell(const std::string& script) {
    pod_.containers[0].command = {"/bin/sh", "-c", script};
    return run_container();
  }

  Scratch scratch_;
  Pod pod_;
  Image image_;
};

TEST_F(Runc, AcceptsTheConfigurationAndRunsTrue) {
  const Outcome got = run_container();
  EXPECT_EQ(got.status, 0) << got.output;
}

TEST_F(Runc, PassesOnTheExitCodeOfTheCommand) { EXPECT_EQ(shell("exit 42").status, 42); }

TEST_F(Runc, GivesARootContainerTheDefaultCapabilities) {
  const Outcome got = shell("cat /proc/self/status");
  ASSERT_EQ(got.status, 0) << got.output;
  for (const auto* set : {"CapPrm", "CapEff", "CapBnd"})
    EXPECT_THAT(got.output, HasSubstr(concat(set, ":\t00000000a80425fb")));
  for (const auto* set : {"CapInh", "CapAmb"}) EXPECT_THAT(got.output, HasSubstr(concat(set, ":\t0000000000000000")));
  EXPECT_THAT(got.output, HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(got.output, HasSubstr("NoNewPrivs:\t0"));
}

TEST_F(Runc, LeavesAUserNoCapabilityButTheBound) {
  image_.config.user = "web";
  pod_.containers[0].security.allow_privilege_escalation = false;
  pod_.supplemental_groups = {Id{500}};
  const Outcome got = shell("cat /proc/self/status; id; echo $HOME; cat /etc/hostname");
  ASSERT_EQ(got.status, 0) << got.output;
  for (const auto* set : {"CapPrm", "CapEff", "CapInh", "CapAmb"})
    EXPECT_THAT(got.output, HasSubstr(concat(set, ":\t0000000000000000")));
  EXPECT_THAT(got.output, HasSubstr("CapBnd:\t00000000a80425fb"));
  EXPECT_THAT(got.output, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(got.output, HasSubstr("Groups:\t4 500 1001"));
  EXPECT_THAT(got.output, HasSubstr("uid=1000(web) gid=1001(web)"));
  EXPECT_THAT(got.output, HasSubstr("/srv/web\np\n"));
}

TEST_F(Runc, ConfinesPathsCallsAndDevices) {
  const Outcome got = shell(
      "cat /proc/kcore | grep -c . ; touch /proc/sys/kernel/hostname 2>&1 || echo proc-sys-closed; touch /sys/x 2>&1 "
      "|| echo sys-closed;"
      "unshare -U true 2>&1 || echo unshare-denied; mount -t tmpfs x /data 2>&1 || echo mount-denied; echo x > "
      "/dev/null && echo null-open");
  for (const auto* word : {"proc-sys-closed", "sys-closed", "unshare-denied", "mount-denied", "null-open"})
    EXPECT_THAT(got.output, HasSubstr(word));
  EXPECT_THAT(got.output, HasSubstr("0\n"));
}

TEST_F(Runc, MountsVolumesAndLimits) {
  pod_.volumes = {{"v", EmptyDirVolume{}}};
  pod_.containers[0].mounts = {{"v", "/data", Readonly::no, "sub"}, {"v", "/data2", Readonly::yes, ""}};
  pod_.containers[0].resources.memory_limit = Bytes{64 << 20};
  pod_.containers[0].resources.cpu_limit = Millicores{500};
  pod_.containers[0].resources.pids_limit = 50;
  const Outcome got =
      shell("echo hello > /data/file && cat /data2/sub/file && (echo x > /data2/file) 2>/dev/null || echo locked");
  EXPECT_EQ(got.status, 0) << got.output;
  EXPECT_EQ(got.output, "hello\nlocked\n");
}

TEST_F(Runc, GivesThePrivilegedEverything) {
  pod_.containers[0].security.privileged = true;
  const Outcome got = shell("cat /proc/self/status; mount -t tmpfs x /data && echo mounted");
  EXPECT_EQ(got.status, 0) << got.output;
  EXPECT_THAT(got.output, HasSubstr("mounted"));
  EXPECT_THAT(got.output, HasSubstr("Seccomp:\t0"));
}

}  // namespace
}  // namespace tank::rootfs
