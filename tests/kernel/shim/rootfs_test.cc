// The container's file system: what stands in it, what a hostile image cannot make of it, and that the host sees
// nothing of it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "kernel/shim/rig.h"

namespace tank::shim::test {
namespace {

namespace fs = std::filesystem;
using Type = Notice::Type;

void write_file(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool has_line(const std::string& text, const std::string& line) {
  return concat("\n", text).find(concat("\n", line, "\n")) != std::string::npos;
}

/// The mountinfo line of the container whose mount point this is, the last one counting.
std::string mount_at(const std::string& table, const std::string& point) {
  std::istringstream lines(table);
  std::string line;
  std::string found;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string id, parent, device, source, here;
    fields >> id >> parent >> device >> source >> here;
    if (here == point) found = line;
  }
  return found;
}

TEST(ShimRootfs, LeavesTheHostsMountTableAloneDuringAndAfter) {
  const std::string before = host_mounts();
  {
    Rig rig;
    ASSERT_TRUE(rig.client().create(rig.plan({"payload", "pause"})));
    rig.expect(Type::ready);
    EXPECT_EQ(host_mounts(), before);
    ASSERT_TRUE(rig.client().proceed("main"));
    rig.expect(Type::running);
    EXPECT_EQ(host_mounts(), before);
    ASSERT_TRUE(rig.client().stop("main", std::chrono::milliseconds(0)));
    rig.expect(Type::signaled);
    EXPECT_EQ(host_mounts(), before);
  }
  EXPECT_EQ(host_mounts(), before);
}

TEST(ShimRootfs, ShowsTheContainerOnlyItsOwnMounts) {
  Rig rig;
  const std::string table = rig.run(rig.plan({"payload", "cat", "/proc/self/mountinfo"}));
  std::istringstream lines(table);
  std::string line;
  int root_mounts = 0;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string id, parent, device, source, point;
    fields >> id >> parent >> device >> source >> point;
    if (point == "/") ++root_mounts;
    EXPECT_EQ(line.find("shared:"), std::string::npos) << line;
    EXPECT_TRUE(point == "/" || point.rfind("/proc", 0) == 0 || point.rfind("/dev", 0) == 0 ||
                point.rfind("/sys", 0) == 0)
        << line;
  }
  EXPECT_EQ(root_mounts, 1);
  EXPECT_NE(mount_at(table, "/").find(" overlay "), std::string::npos);
  EXPECT_NE(mount_at(table, "/sys").find(" ro,"), std::string::npos);
  EXPECT_NE(mount_at(table, "/proc/sys").find(" ro,"), std::string::npos);
  EXPECT_NE(mount_at(table, "/sys/fs/cgroup").find(" ro,"), std::string::npos);
  EXPECT_NE(mount_at(table, "/sys/fs/cgroup").find("noexec"), std::string::npos);
  EXPECT_NE(mount_at(table, "/proc").find("nosuid,nodev,noexec"), std::string::npos);
}

TEST(ShimRootfs, GivesTheStandardDevicesAndLinks) {
  Rig rig;
  const std::string out = rig.run(rig.plan({"payload", "stat", "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                            "/dev/urandom", "/dev/tty", "/dev/fd", "/dev/ptmx", "/dev/pts/ptmx"}));
  EXPECT_TRUE(has_line(out, "stat /dev/null mode 20666 rdev 1:3 uid 0")) << out;
  EXPECT_TRUE(has_line(out, "stat /dev/zero mode 20666 rdev 1:5 uid 0"));
  EXPECT_TRUE(has_line(out, "stat /dev/full mode 20666 rdev 1:7 uid 0"));
  EXPECT_TRUE(has_line(out, "stat /dev/random mode 20666 rdev 1:8 uid 0"));
  EXPECT_TRUE(has_line(out, "stat /dev/urandom mode 20666 rdev 1:9 uid 0"));
  EXPECT_TRUE(has_line(out, "stat /dev/tty mode 20666 rdev 5:0 uid 0"));
  EXPECT_NE(out.find("stat /dev/fd mode 120777"), std::string::npos);
  EXPECT_NE(out.find("stat /dev/ptmx mode 120777"), std::string::npos);
  EXPECT_NE(out.find("stat /dev/pts/ptmx mode 20666 rdev 5:2"), std::string::npos);
}

TEST(ShimRootfs, MakesTheDevicesOfTheConfiguration) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "stat", "/dev/net/tun", "/opt/fuse"});
  plan.config.linux_.devices = {
      {'c', "/dev/net/tun", 10, 200, 0600}, {'c', "/opt/fuse", 10, 229, 0666}, {'c', "/dev/null", 1, 3, 0666}};
  const std::string out = rig.run(plan);
  EXPECT_TRUE(has_line(out, "stat /dev/net/tun mode 20600 rdev 10:200 uid 0")) << out;
  EXPECT_TRUE(has_line(out, "stat /opt/fuse mode 20666 rdev 10:229 uid 0")) << out;
}

TEST(ShimRootfs, MasksFilesAndDirectories) {
  Rig rig;
  fs::create_directory(rig.root() / "secret");
  write_file(rig.root() / "secret" / "key", "x");
  write_file(rig.root() / "token", "x");
  ContainerPlan plan = rig.plan({"payload", "stat", "/secret/key", "/token", "/proc/version", "/other/key"});
  fs::create_directory(rig.root() / "other");
  write_file(rig.root() / "other" / "key", "x");
  plan.config.linux_.masked_paths = {"/secret", "/token", "/proc/version", "/nonexistent", "/other"};
  const std::string out = rig.run(plan);
  EXPECT_TRUE(has_line(out, "stat /secret/key errno 2")) << out;
  EXPECT_TRUE(has_line(out, "stat /other/key errno 2")) << out;
  EXPECT_NE(out.find("stat /token mode 20666 rdev 1:3"), std::string::npos) << out;
  EXPECT_NE(out.find("stat /proc/version mode 20666 rdev 1:3"), std::string::npos) << out;
}

TEST(ShimRootfs, AMaskIsReadOnlyAndTheNullDeviceOfTheImageIsNotTrusted) {
  // No /dev is mounted, and what the image calls the null device is a link, or a file, to get at what is masked.
  for (const bool link : {true, false}) {
    Rig rig;
    fs::create_directory(rig.root() / "secret");
    fs::create_directory(rig.root() / "dev");
    write_file(rig.root() / "token", "x");
    if (link) {
      fs::create_symlink("../token", rig.root() / "dev" / "null");
    } else {
      write_file(rig.root() / "dev" / "null", "x");
    }
    ContainerPlan plan = rig.plan({"payload", "stat", "/token"});
    plan.config.mounts.resize(1);
    plan.config.linux_.masked_paths = {"/secret", "/token"};
    EXPECT_EQ(rig.run(plan), "stat /token mode 20666 rdev 1:3 uid 0\n");
    plan = rig.plan({"payload", "create", "/secret/new"});
    plan.config.mounts.resize(1);
    plan.config.linux_.masked_paths = {"/secret", "/token"};
    EXPECT_EQ(rig.run(plan), "open /secret/new 30\n");
  }
}

TEST(ShimRootfs, BindsFilesAndDirectoriesOntoMissingTargets) {
  Rig rig;
  fs::create_directories(rig.path("volume/deep"));
  write_file(rig.path("volume/deep/data"), "from the host\n");
  write_file(rig.path("hosts"), "127.0.0.1 web\n");
  ContainerPlan plan = rig.plan({"payload", "cat", "/var/lib/data/deep/data", "/etc/hosts"});
  plan.config.mounts.push_back({"/var/lib/data", "bind", rig.path("volume"), {"rbind"}});
  plan.config.mounts.push_back({"/etc/hosts", "bind", rig.path("hosts"), {"bind", "ro"}});
  EXPECT_EQ(rig.run(plan), "from the host\n127.0.0.1 web\n");
}

TEST(ShimRootfs, ReadOnlyMeansReadOnly) {
  Rig rig;
  for (const auto* name : {"open", "closed"}) fs::create_directory(rig.path(name));
  ContainerPlan plan =
      rig.plan({"payload", "create", "/open/x", "/closed/x", "/tmp/x", "/dev/x", "/sys/x", "/dev/shm/x", "/run/x"});
  plan.config.root.readonly = true;
  plan.config.mounts[1].options.emplace_back("ro");
  plan.config.mounts.push_back({"/open", "bind", rig.path("open"), {"rbind", "rw"}});
  plan.config.mounts.push_back({"/closed", "bind", rig.path("closed"), {"rbind", "ro"}});
  plan.config.mounts.push_back({"/run", "tmpfs", "tmpfs", {"mode=755"}});
  const std::string out = rig.run(plan);
  for (const auto* writable : {"/open/x", "/dev/shm/x", "/run/x"}) {
    EXPECT_TRUE(has_line(out, concat("open ", writable, " 0"))) << out;
  }
  for (const auto* closed : {"/closed/x", "/tmp/x", "/dev/x"}) {
    EXPECT_TRUE(has_line(out, concat("open ", closed, " 30"))) << out;
  }
  EXPECT_FALSE(has_line(out, "open /sys/x 0")) << out;
  EXPECT_TRUE(fs::exists(rig.path("open/x")));
}

TEST(ShimRootfs, WritesNeverReachTheLayers) {
  Rig rig;
  rig.run(rig.plan({"payload", "create", "/tmp/new"}));
  EXPECT_FALSE(fs::exists(rig.root() / "tmp" / "new"));
  EXPECT_FALSE(fs::exists(rig.root() / "proc")) << "a mount target was made in the layer";
}

TEST(ShimRootfs, StacksAHundredAndTwentyLayersOfLongPaths) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "cat", "/which", "/layer0", "/layer119"});
  const fs::path layers = rig.path("layers") / std::string(100, 'l');
  for (int i = 0; i < 120; ++i) {
    const fs::path layer = layers / (concat("sha256:", std::string(60, 'a'), ",", i));
    fs::create_directories(layer);
    write_file(layer / "which", concat(i, "\n"));
    write_file(layer / (concat("layer", i)), "here\n");
    plan.overlay.lower.push_back(layer);
  }
  EXPECT_EQ(rig.run(plan), "119\nhere\nhere\n");
}

TEST(ShimRootfs, RunsOnOneDirectoryOrOnLayersWithoutAWritableOne) {
  Rig rig;
  fs::create_directories(rig.path("other/etc"));
  for (const auto* name : {"proc", "dev", "sys"}) fs::create_directory(rig.root() / name);
  ContainerPlan plan = rig.plan({"payload", "create", "/tmp/x"});
  plan.config.mounts.resize(2);
  plan.overlay = Overlay{{rig.path("other"), rig.root()}, {}, {}};
  EXPECT_EQ(rig.run(plan), "open /tmp/x 30\n");
  plan = rig.plan({"payload", "create", "/tmp/x"});
  plan.config.mounts.resize(2);
  plan.overlay = Overlay{{rig.root()}, {}, {}};
  EXPECT_EQ(rig.run(plan), "open /tmp/x 30\n");
}

TEST(ShimRootfs, SaysWhichLayerOrSourceIsMissing) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "exit", "0"});
  plan.overlay.lower.emplace_back("/nonexistent/layer");
  Notice failed = rig.create_failing(plan);
  EXPECT_EQ(failed.step, "rootfs");
  EXPECT_EQ(failed.value, ENOENT);
  EXPECT_NE(failed.text.find("/nonexistent/layer"), std::string::npos) << failed.text;
  plan = rig.plan({"payload", "exit", "0"});
  plan.config.mounts.push_back({"/data", "bind", "/nonexistent/volume", {"rbind"}});
  failed = rig.create_failing(plan);
  EXPECT_EQ(failed.step, "mount");
  EXPECT_NE(failed.text.find("/nonexistent/volume"), std::string::npos) << failed.text;
}

TEST(ShimRootfs, SaysWhatIsWrongWithAMountOption) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "exit", "0"});
  plan.config.mounts.push_back({"/scratch", "tmpfs", "tmpfs", {"flavour=vanilla"}});
  const Notice failed = rig.create_failing(plan);
  EXPECT_NE(failed.text.find("flavour"), std::string::npos) << failed.text;
  plan.config.mounts.back() = {"/scratch", "bind", "/tmp", {"flavour=vanilla"}};
  const Result<> refused = rig.client().create(plan);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), Kind::invalid);
}

TEST(ShimRootfs, ASubdirectoryIsTakenBelowItsVolumeOnly) {
  Rig rig;
  fs::create_directories(rig.path("volume/site/data"));
  write_file(rig.path("volume/site/data/page"), "page\n");
  fs::create_symlink("site", rig.path("volume/inside"));
  fs::create_symlink("../../../../../etc", rig.path("volume/outside"));
  ContainerPlan plan = rig.plan({"payload", "cat", "/data/page"});
  plan.config.mounts.push_back({"/data", "bind", rig.path("volume"), {"rbind", "X-mount.subdir=inside/data"}});
  EXPECT_EQ(rig.run(plan), "page\n");
  plan = rig.plan({"payload", "cat", "/data/page"});
  plan.config.mounts.push_back({"/data", "bind", rig.path("volume"), {"rbind", "X-mount.subdir=outside"}});
  EXPECT_EQ(rig.create_failing(plan).value, EXDEV);
}

// Evil images.

struct EvilLink {
  const char* name;
  const char* target;
};

class ShimEvilImage : public testing::TestWithParam<EvilLink> {};

TEST_P(ShimEvilImage, CannotPointOurMountsAtTheHost) {
  Rig rig;
  const auto [name, target] = GetParam();
  fs::remove_all(rig.root() / name);
  fs::create_symlink(target, rig.root() / name);
  const std::string before = host_mounts();
  const Notice failed = rig.create_failing(rig.plan({"payload", "exit", "0"}));
  EXPECT_EQ(failed.step, "mount");
  EXPECT_NE(failed.text.find("symbolic link"), std::string::npos) << failed.text;
  EXPECT_NE(failed.text.find(name), std::string::npos) << failed.text;
  EXPECT_EQ(host_mounts(), before);
}

INSTANTIATE_TEST_SUITE_P(Links, ShimEvilImage,
                         testing::Values(EvilLink{"proc", "/proc"}, EvilLink{"proc", "tmp"}, EvilLink{"dev", "/dev"},
                                         EvilLink{"dev", "../../../../../../dev"}, EvilLink{"dev", "tmp"},
                                         EvilLink{"sys", "/sys"}, EvilLink{"sys", ".."},
                                         EvilLink{"proc", "nonexistent"}, EvilLink{"dev", "dev"}));

class ShimEvilEtc : public testing::TestWithParam<const char*> {};

TEST_P(ShimEvilEtc, StaysInsideTheRoot) {
  Rig rig;
  fs::remove_all(rig.root() / "etc");
  fs::create_symlink(GetParam(), rig.root() / "etc");
  write_file(rig.path("hosts"), "127.0.0.1 evil\n");
  const std::string host_file = text_of("/etc/hosts");
  ContainerPlan plan = rig.plan({"payload", "cat", "/etc/tank-shim-test"});
  plan.config.mounts.push_back({"/etc/tank-shim-test", "bind", rig.path("hosts"), {"bind", "ro"}});
  EXPECT_EQ(rig.run(plan), "127.0.0.1 evil\n");
  EXPECT_FALSE(fs::exists("/etc/tank-shim-test"));
  EXPECT_FALSE(fs::exists("/tank-shim-test"));
  EXPECT_FALSE(fs::exists(rig.path("tank-shim-test")));
  EXPECT_EQ(text_of("/etc/hosts"), host_file);
}

INSTANTIATE_TEST_SUITE_P(Links, ShimEvilEtc,
                         testing::Values("/etc-elsewhere", "usr/etc", "../../../../../../../etc-up", "/tmp",
                                         "tmp/../tmp", "/etc-a/etc-b", "/../../../opt"));

TEST(ShimEvilFile, ADanglingLinkAsTheTargetIsMadeInsideTheRoot) {
  Rig rig;
  fs::create_symlink("../run/systemd/resolve/stub-resolv.conf", rig.root() / "etc" / "resolv.conf");
  fs::create_symlink("/tmp/../../../../root/tank-shim-test", rig.root() / "etc" / "hosts");
  write_file(rig.path("file"), "inside\n");
  ContainerPlan plan =
      rig.plan({"payload", "cat", "/etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf", "/root/tank-shim-test"});
  plan.config.mounts.push_back({"/etc/resolv.conf", "bind", rig.path("file"), {"bind"}});
  plan.config.mounts.push_back({"/etc/hosts", "bind", rig.path("file"), {"bind"}});
  EXPECT_EQ(rig.run(plan), "inside\ninside\ninside\n");
  EXPECT_FALSE(fs::exists("/root/tank-shim-test"));
}

TEST(ShimEvilFile, ALinkLoopIsAnError) {
  Rig rig;
  fs::create_symlink("b", rig.root() / "a");
  fs::create_symlink("a", rig.root() / "b");
  ContainerPlan plan = rig.plan({"payload", "exit", "0"});
  plan.config.mounts.push_back({"/a/b", "bind", rig.path("root"), {"bind"}});
  const Notice failed = rig.create_failing(plan);
  EXPECT_EQ(failed.step, "mount");
  EXPECT_EQ(failed.value, ELOOP);
}

TEST(ShimEvilRace, ASwappedDirectoryNeverLeadsOutside) {
  // A volume that another container holds open: it exchanges a directory for a link to the host while targets below
  // it are resolved and created.
  Scratch bait;
  Rig rig;
  fs::create_directories(rig.path("volume/dir"));
  fs::create_symlink(concat("../../../../../../../..", bait.path().native()), rig.path("volume/link"));
  const std::string left = rig.path("volume/dir");
  const std::string right = rig.path("volume/link");
  std::atomic<bool> running{true};
  std::thread swapper([&] {
    while (running) syscall(SYS_renameat2, AT_FDCWD, left.c_str(), AT_FDCWD, right.c_str(), 2U /* RENAME_EXCHANGE */);
  });
  write_file(rig.path("file"), "x");
  for (int round = 0; round < 60; ++round) {
    ContainerPlan plan = rig.plan({"payload", "exit", "0"});
    plan.config.mounts.push_back({"/volume", "bind", rig.path("volume"), {"rbind"}});
    const std::string name = std::to_string(round);
    plan.config.mounts.push_back({concat("/volume/dir/made", name, "/deep"), "bind", rig.path("file"), {"bind"}});
    ASSERT_TRUE(rig.client().create(plan));
    const Notice notice = rig.next();
    if (notice.type == Type::ready) {
      ASSERT_TRUE(rig.client().abort("main"));
      rig.expect(Type::aborted);
    } else {
      EXPECT_EQ(notice.type, Type::failed);
    }
    EXPECT_TRUE(fs::is_empty(bait.path())) << "round " << round;
  }
  running = false;
  swapper.join();
}

}  // namespace
}  // namespace tank::shim::test
