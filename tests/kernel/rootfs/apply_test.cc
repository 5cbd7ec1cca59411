#include "rootfs/apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/un.h>

#include "kernel/rootfs/scratch.h"
#include "rootfs/group_owner.h"
#include "rootfs/observe.h"
#include "rootfs/sub_path.h"
#include "sys/file.h"

namespace tank::rootfs {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using HostType = HostPathVolume::Type;

class Apply : public testing::Test {
 protected:
  void SetUp() override {
    directories_ = {scratch_ / "data", scratch_ / "run/p", "u1"};
    fs::create_directories(scratch_ / "layer");
    pod_.name = "p";
    pod_.containers.resize(1);
    pod_.containers[0].name = "c";
  }
  Plan planned() {
    Image image;
    image.layers = {scratch_ / "layer"};
    auto out =
        plan(pod_, std::vector<Image>(pod_.containers.size(), image), directories_, {"hosts\n", "name\n", "dns\n"});
    EXPECT_TRUE(out) << out.error().sentence();
    return *out;
  }
  void volume(const char* name, decltype(Volume::source) source, const std::string& sub_path = "") {
    pod_.volumes.push_back({name, std::move(source)});
    pod_.containers[0].mounts.push_back({name, concat("/", name), Readonly::no, sub_path});
  }
  void expect_applied() {
    const auto applied = apply(planned());
    ASSERT_TRUE(applied) << applied.error().sentence();
  }
  fs::path data(const std::string& below) { return scratch_ / ("data/pods/u1/" + below); }

  Scratch scratch_;
  Directories directories_;
  Pod pod_;
};

struct HostCase {
  HostType type;
  const char* path;
  bool good;
};

class HostPaths : public Apply {
 protected:
  void SetUp() override {
    Apply::SetUp();
    write(scratch_ / "file", "x");
    fs::create_directories(scratch_ / "dir");
    fs::create_symlink(scratch_ / "dir", scratch_ / "link");
    ASSERT_EQ(::mknod((scratch_ / "char").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
    ASSERT_EQ(::mknod((scratch_ / "block").c_str(), S_IFBLK | 0600, makedev(7, 200)), 0);
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (scratch_ / "socket").native().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void TearDown() override { ::close(socket_); }
  Result<> checked(HostType type, const fs::path& path) {
    Plan only;
    only.host_paths = {{path.native(), type}};
    const auto got = apply(only);
    return got ? Result<>{} : Result<>(got.error());
  }

 private:
  int socket_ = -1;
};

TEST_F(HostPaths, AreCheckedByType) {
  const std::vector<HostCase> cases{
      {HostType::directory, "dir", true},
      {HostType::directory, "link", true},
      {HostType::directory, "file", false},
      {HostType::directory, "missing", false},
      {HostType::file, "file", true},
      {HostType::file, "dir", false},
      {HostType::file, "missing", false},
      {HostType::socket, "socket", true},
      {HostType::socket, "file", false},
      {HostType::char_device, "char", true},
      {HostType::char_device, "block", false},
      {HostType::block_device, "block", true},
      {HostType::block_device, "char", false},
      {HostType::unchecked, "socket", true},
      {HostType::directory_or_create, "file", false},
      {HostType::file_or_create, "dir", false},
      {HostType::file_or_create, "file", true},
      {HostType::directory_or_create, "dir", true},
      {HostType::file_or_create, "no/parent", false},
      {HostType::directory, "file/below", false},
  };
  for (const HostCase& c : cases) {
    const auto got = checked(c.type, scratch_ / c.path);
    EXPECT_EQ(got.has_value(), c.good) << c.path << " " << static_cast<int>(c.type);
    if (got) continue;
    EXPECT_THAT(got.error().sentence(), HasSubstr((scratch_ / c.path).native()));
  }
  EXPECT_EQ(checked(HostType::socket, scratch_ / "missing").error().kind(), Kind::not_found);
  EXPECT_FALSE(fs::exists(scratch_ / "missing"));
}

TEST_F(HostPaths, AreMadeWhereTheTypeSaysSo) {
  ASSERT_TRUE(checked(HostType::directory_or_create, scratch_ / "new/deep"));
  EXPECT_EQ(mode(scratch_ / "new/deep"), 0755U);
  ASSERT_TRUE(checked(HostType::file_or_create, scratch_ / "new/file"));
  EXPECT_EQ(mode(scratch_ / "new/file"), 0644U);
  ASSERT_TRUE(checked(HostType::unchecked, scratch_ / "new/any"));
  EXPECT_TRUE(fs::is_directory(scratch_ / "new/any"));
}

TEST_F(Apply, MakesEverythingAndUndoRemovesItAll) {
  volume("disk", EmptyDirVolume{});
  volume("ram", EmptyDirVolume{EmptyDirVolume::Medium::memory, Bytes{1 << 20}}, "a/b");
  volume("claim", ClaimVolume{"db", Readonly::no});
  const mode_t mask = ::umask(077);
  expect_applied();
  ::umask(mask);
  EXPECT_EQ(mode(scratch_ / "data"), 0700U);
  EXPECT_EQ(mode(data("")), 0700U);
  EXPECT_EQ(mode(data("c/upper")), 0755U);
  EXPECT_EQ(mode(data("_volumes/disk")), 0777U);
  EXPECT_EQ(mode(scratch_ / "data/volumes/default/db"), 0755U);
  EXPECT_EQ(mode(scratch_ / "data/volumes/default"), 0700U);
  EXPECT_EQ(read(scratch_ / "run/p/etc/hosts"), "hosts\n");
  EXPECT_EQ(mode(scratch_ / "run/p/etc/hosts"), 0644U);
  EXPECT_EQ(read(scratch_ / "run/p/etc/resolv.conf"), "dns\n");
  write(scratch_ / "data/volumes/default/db/kept", "data");
  ASSERT_TRUE(undo(directories_));
  ASSERT_TRUE(undo(directories_));
  EXPECT_FALSE(fs::exists(data("")));
  EXPECT_THAT(std::vector<fs::path>(fs::directory_iterator(scratch_ / "run/p"), {}), IsEmpty());
  EXPECT_EQ(read(scratch_ / "data/volumes/default/db/kept"), "data");
}

TEST_F(Apply, IsIdempotentAndKeepsModesThatWereChanged) {
  volume("claim", ClaimVolume{"db", Readonly::no});
  expect_applied();
  ::chmod((scratch_ / "data/volumes/default/db").c_str(), 0750);
  expect_applied();
  EXPECT_EQ(mode(scratch_ / "data/volumes/default/db"), 0750U);
}

TEST_F(Apply, RefusesADirectoryWhereSomethingElseStands) {
  write(data("c"), "a file");
  EXPECT_FALSE(apply(planned()));
  ASSERT_TRUE(undo(directories_));
}

TEST_F(Apply, UndoRemovesTreesDeeperThanThereAreDescriptors) {
  expect_applied();
  // What a workload can leave behind with two lines of shell.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  int here = ::open(data("c/upper").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (int depth = 0; depth < 300; ++depth) {
    ASSERT_EQ(::mkdirat(here, "d", 0700), 0);
    const int below = ::openat(here, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ::close(::openat(here, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ::close(here);
    here = below;
  }
  ::close(here);
  rlimit few = before;
  few.rlim_cur = 128;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const Result<> removed = undo(directories_);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(removed) << removed.error().sentence();
  EXPECT_FALSE(fs::exists(data("")));
}

TEST_F(Apply, UndoRefusesAUidThatIsNoName) {
  fs::create_directories(scratch_ / "data/pods");
  for (const auto* uid : {"", ".", "..", "../pods", "a/b"}) {
    directories_.uid = uid;
    EXPECT_EQ(undo(directories_).error().kind(), Kind::invalid) << uid;
  }
  EXPECT_TRUE(fs::exists(scratch_ / "data/pods"));
}

TEST_F(Apply, UndoFollowsNoLinkOutOfThePod) {
  expect_applied();
  write(scratch_ / "precious/file", "x");
  fs::create_directory_symlink(scratch_ / "precious", data("c/upper/link"));
  fs::remove_all(scratch_ / "run/p/etc");
  fs::create_directory_symlink(scratch_ / "precious", scratch_ / "run/p/etc");
  ASSERT_TRUE(undo(directories_));
  EXPECT_TRUE(fs::exists(scratch_ / "precious/file"));
}

TEST_F(Apply, GivesTheRootTheImagesOwnAttributes) {
  ASSERT_EQ(::chown((scratch_ / "layer").c_str(), 12, 34), 0);
  ASSERT_EQ(::chmod((scratch_ / "layer").c_str(), 01711), 0);
  const Plan all = planned();
  ASSERT_TRUE(apply(all));
  EXPECT_EQ(mode(data("c/upper")), 01711U);
  EXPECT_EQ(stat_of(data("c/upper")).st_uid, 12U);
  EXPECT_EQ(stat_of(data("c/upper")).st_gid, 34U);
  write(data("c/upper/old"), "x");
  write(data("c/work/work/old"), "x");
  ASSERT_TRUE(renew(all.containers[0]));
  EXPECT_TRUE(fs::is_empty(data("c/upper")));
  EXPECT_TRUE(fs::is_empty(data("c/work")));
  EXPECT_EQ(mode(data("c/upper")), 01711U);
}

TEST_F(Apply, MakesMemoryVolumesThatNoMountTableShows) {
  volume("ram", EmptyDirVolume{EmptyDirVolume::Medium::memory, Bytes{1 << 20}}, "a/b");
  pod_.fs_group = Id{77};
  const std::string before = read("/proc/self/mountinfo");
  auto applied = apply(planned());
  ASSERT_TRUE(applied) << applied.error().sentence();
  EXPECT_EQ(read("/proc/self/mountinfo"), before);
  ASSERT_THAT(*applied, SizeIs(1));
  EXPECT_EQ((*applied)[0].path, scratch_ / "run/p/memory/ram");
  const int mount = (*applied)[0].mount.get();
  struct stat root {};
  ASSERT_EQ(::fstat(mount, &root), 0);
  EXPECT_EQ(root.st_mode & 07777, 02777U);
  EXPECT_EQ(root.st_gid, 77U);
  EXPECT_EQ(::faccessat(mount, "a/b", F_OK, 0), 0);
  // The limit holds.
  const int file = ::openat(mount, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::string block(1 << 19, 'x');
  std::size_t written = 0;
  for (ssize_t size; written < (4U << 20U) && (size = ::write(file, block.data(), block.size())) > 0;)
    written += static_cast<std::size_t>(size);
  ::close(file);
  EXPECT_LE(written, 1U << 20U);
  ASSERT_TRUE(undo(directories_));
}

TEST_F(Apply, SubPathsAreMadeInsideTheirVolumeOnly) {
  const fs::path volume = scratch_ / "v";
  fs::create_directories(volume / "in");
  fs::create_directories(scratch_ / "outside");
  fs::create_directory_symlink(scratch_ / "outside", volume / "absolute");
  fs::create_directory_symlink("../outside", volume / "relative");
  fs::create_directory_symlink("in", volume / "inner");
  write(volume / "file", "x");
  const auto dir = sys::open_dir(volume);
  ASSERT_TRUE(dir);
  EXPECT_TRUE(ensure_sub_path(*dir, "new/deep"));
  EXPECT_EQ(mode(volume / "new/deep"), 0755U);
  EXPECT_TRUE(ensure_sub_path(*dir, "inner/x"));
  EXPECT_TRUE(fs::is_directory(volume / "in/x"));
  EXPECT_TRUE(ensure_sub_path(*dir, "file"));
  EXPECT_FALSE(ensure_sub_path(*dir, "file/x"));
  // Links out of the volume lead nowhere: there is no such place below its root.
  EXPECT_FALSE(ensure_sub_path(*dir, "absolute/x"));
  EXPECT_FALSE(ensure_sub_path(*dir, "relative/x"));
  EXPECT_TRUE(fs::is_empty(scratch_ / "outside"));
}

TEST_F(Apply, GivesVolumesToTheGroupOnce) {
  const fs::path volume = scratch_ / "v";
  write(volume / "d/file", "x");
  write(volume / "script", "x");
  ::chmod((volume / "script").c_str(), 0500);
  fs::create_symlink("/etc/passwd", volume / "link");
  write(scratch_ / "outside", "x");
  fs::create_symlink(scratch_ / "outside", volume / "out");
  ASSERT_TRUE(own_by_group(volume, Id{4242}));
  EXPECT_EQ(mode(volume), 02775U);
  EXPECT_EQ(mode(volume / "d"), 02775U);
  EXPECT_EQ(mode(volume / "d/file"), 0664U);
  EXPECT_EQ(mode(volume / "script"), 0760U);
  for (const auto* name : {"", "d", "d/file", "script", "link", "out"})
    EXPECT_EQ(stat_of(volume / name).st_gid, 4242U) << name;
  EXPECT_NE(stat_of(scratch_ / "outside").st_gid, 4242U);
  EXPECT_NE(stat_of("/etc/passwd").st_gid, 4242U);
  // The root says it was done: what came later is left alone.
  write(volume / "later", "x");
  ::chown((volume / "later").c_str(), 0, 0);
  ASSERT_TRUE(own_by_group(volume, Id{4242}));
  EXPECT_EQ(stat_of(volume / "later").st_gid, 0U);
  // Another group, or a root that lost its bits: everything again.
  ::chmod(volume.c_str(), 0755);
  ASSERT_TRUE(own_by_group(volume, Id{4242}));
  EXPECT_EQ(stat_of(volume / "later").st_gid, 4242U);
}

TEST(ObserveHost, FindsTheProcessorsThatTellTheirTemperature) {
  Scratch scratch;
  // As /sys/devices/system/cpu is: processors, other directories, and plain files.
  for (const auto* name : {"cpu1", "cpu10", "cpufreq"}) fs::create_directories(scratch / name);
  write(scratch / "online", "0-1");
  EXPECT_THAT(*observe_thermal_throttle(scratch.path()), IsEmpty());
  for (const auto* name : {"cpu0", "cpu1"}) fs::create_directories(scratch / (std::string(name) + "/thermal_throttle"));
  const auto found = observe_thermal_throttle(scratch.path());
  ASSERT_TRUE(found) << found.error().sentence();
  EXPECT_THAT(*found, testing::ElementsAre((scratch / "cpu0/thermal_throttle").native(),
                                           (scratch / "cpu1/thermal_throttle").native()));
  EXPECT_THAT(*observe_thermal_throttle(scratch / "missing"), IsEmpty());
}

TEST(ObserveHost, SeesWhatThisProcessHas) {
  Pod pod;
  pod.containers.resize(1);
  const auto plain = observe_host(pod);
  ASSERT_TRUE(plain) << plain.error().sentence();
  EXPECT_THAT(plain->bounding, testing::Contains("CAP_CHOWN"));
  EXPECT_GT(plain->memory.count, 1 << 20);
  EXPECT_GE(plain->open_files.hard, plain->open_files.soft);
  EXPECT_THAT(plain->devices, IsEmpty());
  pod.containers[0].security.privileged = true;
  const auto privileged = observe_host(pod);
  ASSERT_TRUE(privileged) << privileged.error().sentence();
  bool saw_null = false;
  for (const oci::Device& device : privileged->devices) {
    EXPECT_FALSE(device.path.starts_with("/dev/pts/")) << device.path;
    saw_null = saw_null || (device.path == "/dev/null" && device.type == 'c' && device.major == 1 && device.minor == 3);
  }
  EXPECT_TRUE(saw_null);
}

}  // namespace
}  // namespace tank::rootfs
