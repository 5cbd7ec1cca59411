// Our layers under the real overlayfs, against what umoci makes of the same image: whiteouts, opaque directories and
// names re-added in one layer must look the same to a container.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tree.h"

namespace tank::image {
namespace {

namespace fs = std::filesystem;
using test::ImageBuilder;
using test::TarBuilder;

class Overlay : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: mounts";
    // Mounts of this program stay in a mount namespace of its own.
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  }

  void TearDown() override {
    if (!mounted_) return;
    EXPECT_EQ(::umount2(merged().c_str(), MNT_DETACH), 0);
  }

  fs::path data_dir() const { return scratch_.path() / "data"; }
  fs::path merged() const { return scratch_.path() / "merged"; }

  /// Unpacks the layers and mounts them on each other, the first one lowest, with a fresh upper directory.
  void mount(const std::vector<TarBuilder>& layers) {
    std::string lower;
    for (const TarBuilder& tar : layers) {
      const Result<fs::path> layer = unpack(data_dir(), tar.bytes());
      ASSERT_TRUE(layer) << layer.error().sentence();
      lower = layer->native() + (lower.empty() ? "" : ":") + lower;
    }
    for (const char* name : {"upper", "work", "merged"}) fs::create_directory(scratch_.path() / name);
    const std::string options = "lowerdir=" + lower + ",upperdir=" + (scratch_.path() / "upper").native() +
                                ",workdir=" + (scratch_.path() / "work").native();
    ASSERT_EQ(::mount("overlay", merged().c_str(), "overlay", 0, options.c_str()), 0) << options;
    mounted_ = true;
  }

  ScratchDir scratch_;
  bool mounted_ = false;
};

/// Runs a program to its end, its output thrown away.
int run(const std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDOUT_FILENO);
    ::execvp(pointers[0], pointers.data());
    ::_exit(127);
  }
  int outcome = 0;
  ::waitpid(child, &outcome, 0);
  return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : 128;
}

std::vector<TarBuilder> image_layers() {
  const std::string capability(
      "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  return {TarBuilder()
              .directory("./", 0755)
              .directory("etc")
              .file("etc/passwd", "root", 0644)
              .file("etc/shadow", "secret", 0, {.gid = 42})
              .directory("usr")
              .directory("usr/bin")
              .file("usr/bin/su", "su", 04755)
              .hard_link("usr/bin/su2", "usr/bin/su")
              .file("usr/bin/ping", "ping", 0755, {.attributes = {{"security.capability", capability}}})
              .directory("usr/lib")
              .file("usr/lib/libc", "c")
              .symlink("lib", "usr/lib")
              .directory("opaque")
              .file("opaque/old", "x")
              .directory("opaque/below")
              .file("opaque/below/old", "x")
              .directory("readded")
              .file("readded/old", "x")
              .directory("becomes-file")
              .file("becomes-file/old", "x")
              .file("becomes-dir", "x")
              .directory("removed")
              .file("removed/a", "x")
              .file("removed-later", "x")
              .directory("tmp", 01777)
              .fifo("pipe", 0600, {.uid = 7}),
          TarBuilder()
              .directory("etc")
              .file("etc/passwd", "root and more", 0644, {.mtime = 1'650'000'000, .mtime_nanoseconds = 42})
              .whiteout("etc/shadow")
              .directory("opaque")
              .opaque("opaque")
              .file("opaque/new", "x")
              .whiteout("readded")
              .directory("readded", 0700)
              .file("readded/new", "x")
              .file("becomes-file", "file")
              .directory("becomes-dir")
              .file("becomes-dir/new", "x")
              .whiteout("removed")
              .directory("usr")
              .directory("usr/lib")
              .file("usr/lib/libm", "m")
              .character("null", 1, 3, 0666),
          TarBuilder()
              .directory("etc")
              .file("etc/shadow", "new secret", 0600)
              .whiteout("removed-later")
              .whiteout("readded/new")
              .directory("readded", 0711)
              .file("readded/newer", "x")
              .directory("removed")
              .file("removed/b", "x")};
}

TEST_F(Overlay, LooksLikeWhatUmociUnpacks) {
  ImageBuilder image;
  for (const TarBuilder& layer : image_layers()) image.layer(layer);
  image.cmd({"/bin/true"}).write_layout(scratch_.path() / "layout", "tag");
  const fs::path bundle = scratch_.path() / "bundle";
  const int outcome = run({"umoci", "unpack", "--image", (scratch_.path() / "layout:tag").native(), bundle.native()});
  if (outcome == 127) GTEST_SKIP() << "needs umoci";
  ASSERT_EQ(outcome, 0);
  mount(image_layers());
  const auto ours = describe_tree(merged(), Times::not_of_directories);
  const auto theirs = describe_tree(bundle / "rootfs", Times::not_of_directories);
  EXPECT_GT(ours.size(), 20U);
  EXPECT_EQ(ours, theirs);
}

TEST_F(Overlay, NothingOfBelowShowsThrough) {
  mount(image_layers());
  for (const char* name :
       {"opaque/old", "opaque/below", "readded/old", "readded/new", "removed/a", "removed-later", "becomes-file/old"}) {
    EXPECT_FALSE(fs::exists(fs::symlink_status(merged() / name))) << name;
  }
  for (const char* name : {"opaque/new", "readded/newer", "removed/b", "becomes-dir/new", "usr/lib/libc", "lib/libm"}) {
    EXPECT_TRUE(fs::exists(merged() / name)) << name;
  }
  EXPECT_EQ(read_text(merged() / "etc/shadow"), "new secret");
}

TEST_F(Overlay, OrderInsideALayerDoesNotCount) {
  const TarBuilder below = TarBuilder().directory("d").file("d/old", "x").file("f", "old");
  mount({below, TarBuilder().directory("d").file("d/new", "x").whiteout("d").file("f", "new").whiteout("f")});
  EXPECT_FALSE(fs::exists(merged() / "d/old"));
  EXPECT_TRUE(fs::exists(merged() / "d/new"));
  EXPECT_EQ(read_text(merged() / "f"), "new");
}

TEST_F(Overlay, AMarkOnALayersRootIsNotSeenByTheKernel) {
  // Why hides_all_below() exists. Should a kernel come to honour the mark, both ways agree and this test is to go.
  const TarBuilder top = TarBuilder().file("new", "x").opaque("");
  mount({TarBuilder().file("old", "x"), top});
  EXPECT_TRUE(fs::exists(merged() / "old"));
  EXPECT_TRUE(*hides_all_below(*find_layer(data_dir(), test::digest_of(top.bytes()))));
}

TEST_F(Overlay, ADirectoryHidesTheSymlinkBelowIt) {
  // docs/decisions/per-layer-unpack.md: an image whose upper layer writes through a lower layer's symbolic link.
  mount({TarBuilder().directory("usr/lib").file("usr/lib/libc", "c").symlink("lib", "usr/lib"),
         TarBuilder().file("lib/x", "x")});
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(merged() / "lib")));
  EXPECT_TRUE(fs::exists(merged() / "lib/x"));
  EXPECT_FALSE(fs::exists(merged() / "usr/lib/x"));
}

}  // namespace
}  // namespace tank::image
