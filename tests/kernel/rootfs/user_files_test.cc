// The lookup through layers, held against overlayfs itself wherever the kernel has an opinion.

#include "rootfs/user_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "kernel/rootfs/scratch.h"

namespace tank::rootfs {
namespace {

class UserFiles : public testing::Test {
 protected:
  fs::path layer(int number) {
    const fs::path out = scratch_ / ("l" + std::to_string(number));
    fs::create_directories(out);
    return out;
  }
  static void whiteout(const fs::path& path) {
    fs::create_directories(path.parent_path());
    ASSERT_EQ(::mknod(path.c_str(), S_IFCHR, 0), 0);
  }
  static void opaque(const fs::path& path) {
    fs::create_directories(path);
    ASSERT_EQ(::setxattr(path.c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
  }
  static void link(const fs::path& target, const fs::path& path) {
    fs::create_directories(path.parent_path());
    fs::create_symlink(target, path);
  }
  Result<oci::UserFiles> look(int count) {
    std::vector<fs::path> layers;
    for (int i = 0; i < count; ++i) layers.push_back(layer(i));
    return read_user_files(layers);
  }
  std::string passwd(int count) {
    const auto got = look(count);
    EXPECT_TRUE(got) << got.error().sentence();
    return got ? got->passwd : "";
  }

  Scratch scratch_;
};

TEST_F(UserFiles, RefusesWhatIsNoFile) {
  fs::create_directories(layer(0) / "etc/passwd");
  EXPECT_EQ(look(1).error().kind(), Kind::invalid);
  fs::remove(layer(0) / "etc/passwd");
  // A fifo must not make us wait for a writer (CVE-2024-9676).
  ASSERT_EQ(::mkfifo((layer(0) / "etc/passwd").c_str(), 0600), 0);
  EXPECT_EQ(look(1).error().kind(), Kind::invalid);
  fs::remove(layer(0) / "etc/passwd");
  ASSERT_EQ(::mknod((layer(0) / "etc/passwd").c_str(), S_IFCHR | 0600, makedev(1, 5)), 0);
  EXPECT_EQ(look(1).error().kind(), Kind::invalid);
  fs::remove(layer(0) / "etc/passwd");
  write(layer(0) / "etc/passwd", std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(look(1).error().kind(), Kind::invalid);
}

TEST_F(UserFiles, EndsLinksThatDoNotEnd) {
  link("passwd", layer(0) / "etc/passwd");
  EXPECT_EQ(look(1).error().kind(), Kind::invalid);
  fs::remove(layer(0) / "etc/passwd");
  // Each link doubles the way: 2^40 steps if nobody counted.
  std::string target = "x";
  for (int i = 0; i < 39; ++i)
    link("n" + std::to_string(i + 1) + "/../n" + std::to_string(i + 1), layer(0) / ("etc/n" + std::to_string(i)));
  fs::create_directories(layer(0) / "etc/n39");
  link("n0/x", layer(0) / "etc/passwd");
  EXPECT_FALSE(look(1));
}

TEST_F(UserFiles, NeverLeavesTheLayers) {
  write(scratch_ / "outside", "host");
  write(scratch_ / "secret/passwd", "host");
  for (const auto& target :
       {(scratch_ / "outside").native(),
        std::string("../../../../../../../../../../../var/tmp/") + scratch_.path().filename().native() + "/outside",
        std::string("../../outside"), std::string("/proc/self/root") + (scratch_ / "outside").native()}) {
    fs::remove_all(layer(0) / "etc");
    link(target, layer(0) / "etc/passwd");
    EXPECT_EQ(passwd(1), "") << target;
  }
  fs::remove_all(layer(0) / "etc");
  link(scratch_ / "secret", layer(0) / "etc");
  EXPECT_EQ(passwd(1), "");
  fs::remove_all(layer(0) / "etc");
  link("../../..", layer(0) / "etc");
  write(layer(0) / "passwd", "root of the image");
  EXPECT_EQ(passwd(1), "root of the image");
}

TEST_F(UserFiles, IsEmptyWhereThereIsNone) {
  EXPECT_EQ(passwd(0), "");
  EXPECT_EQ(passwd(2), "");
  write(layer(0) / "etc", "a file");
  EXPECT_EQ(passwd(1), "");
  EXPECT_FALSE(read_user_files({scratch_ / "no such layer"}));
}

/// The same question to a read-only overlay of the same layers, mounted in a namespace of a child's own.
std::string overlay_says(const std::vector<fs::path>& layers, const fs::path& where) {
  fs::create_directories(where);
  std::string lower;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) lower += layer->native() + ":";
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  // Without an upper directory overlayfs wants two lower ones.
  fs::create_directories(where.native() + ".empty");
  const std::string options = "lowerdir=" + lower + where.native() + ".empty";
  const pid_t child = ::fork();
  if (child == 0) {
    const bool mounted = ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount("overlay", where.c_str(), "overlay", MS_RDONLY, options.c_str()) == 0 &&
                         ::chroot(where.c_str()) == 0 && ::chdir("/") == 0;
    if (!mounted) ::_exit(2);
    const int file = ::open("/etc/passwd", O_RDONLY | O_NONBLOCK);
    char text[4096];
    const ssize_t size = file < 0 ? 0 : ::read(file, text, sizeof text);
    ::_exit(size >= 0 && ::write(ends[1], text, static_cast<std::size_t>(size)) == size ? 0 : 3);
  }
  ::close(ends[1]);
  std::string out;
  char text[4096];
  for (ssize_t size; (size = ::read(ends[0], text, sizeof text)) > 0;) out.append(text, static_cast<std::size_t>(size));
  ::close(ends[0]);
  int state = 0;
  ::waitpid(child, &state, 0);
  EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0) << "overlay of " << lower;
  return out;
}

class AsOverlayfs : public UserFiles {
 protected:
  void expect(int count, const std::string& wanted) {
    std::vector<fs::path> layers;
    for (int i = 0; i < count; ++i) layers.push_back(layer(i));
    EXPECT_EQ(passwd(count), wanted);
    EXPECT_EQ(overlay_says(layers, scratch_ / "merged"), wanted);
  }
};

TEST_F(AsOverlayfs, TakesTheTopmost) {
  write(layer(0) / "etc/passwd", "zero");
  write(layer(1) / "etc/passwd", "one");
  write(layer(2) / "etc/group", "unrelated");
  expect(3, "one");
}

TEST_F(AsOverlayfs, HonoursAWhiteoutOfTheFile) {
  write(layer(0) / "etc/passwd", "zero");
  whiteout(layer(1) / "etc/passwd");
  expect(2, "");
  fs::create_directories(layer(2));
  write(layer(2) / "etc/passwd", "two");
  expect(3, "two");
}

TEST_F(AsOverlayfs, HonoursAWhiteoutOfTheDirectory) {
  write(layer(0) / "etc/passwd", "zero");
  whiteout(layer(1) / "etc");
  expect(2, "");
  write(layer(2) / "etc/group", "two");
  expect(3, "");
}

TEST_F(AsOverlayfs, HonoursAnOpaqueDirectory) {
  write(layer(0) / "etc/passwd", "zero");
  opaque(layer(1) / "etc");
  expect(2, "");
  write(layer(1) / "etc/passwd", "one");
  expect(2, "one");
}

TEST_F(AsOverlayfs, HidesADirectoryBehindAFile) {
  write(layer(0) / "etc/passwd", "zero");
  write(layer(1) / "etc", "a file");
  fs::create_directories(layer(2) / "etc");
  expect(3, "");
}

TEST_F(AsOverlayfs, FollowsLinksAcrossLayers) {
  write(layer(0) / "usr/share/passwd", "zero");
  link("/usr/share/passwd", layer(1) / "etc/passwd");
  expect(2, "zero");
  link("../usr/../usr/./share//passwd", layer(2) / "etc/passwd");
  expect(3, "zero");
  write(layer(3) / "usr/share/passwd", "three");
  expect(4, "three");
  whiteout(layer(4) / "usr/share/passwd");
  expect(5, "");
}

TEST_F(AsOverlayfs, FollowsALinkInTheDirectorysPlace) {
  write(layer(0) / "usr/etc/passwd", "zero");
  link("usr/etc", layer(1) / "etc");
  fs::create_directories(layer(2) / "usr");
  expect(3, "zero");
  write(layer(3) / "etc/passwd", "three");
  expect(4, "three");
}

TEST_F(AsOverlayfs, StopsAtAFileInTheMiddle) {
  write(layer(0) / "file", "x");
  link("/file/passwd", layer(0) / "etc/passwd");
  expect(1, "");
  fs::remove(layer(0) / "etc/passwd");
  link("/missing/../file", layer(0) / "etc/passwd");
  expect(1, "");
}

}  // namespace
}  // namespace tank::rootfs
