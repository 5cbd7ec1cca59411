// Layers on a real file system: everything a tar can say arrives, each layer once, and nothing half done is ever seen.
#include "image/layer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tree.h"

namespace tank::image {
namespace {

namespace fs = std::filesystem;
using test::Packing;
using test::TarBuilder;
using test::TarMeta;

class Layers : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: layers have owners and devices";
  }

  fs::path sound(const TarBuilder& tar, Packing packing = Packing::plain) {
    const Result<fs::path> layer = unpack(data_dir(), tar.bytes(), {}, packing);
    EXPECT_TRUE(layer) << layer.error().sentence();
    return layer ? *layer : fs::path();
  }

  fs::path data_dir() const { return scratch_.path() / "data"; }
  fs::path layers() const { return data_dir() / "layers"; }

  std::size_t names_in_layers() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(layers()), fs::directory_iterator()));
  }

  static struct stat status(const fs::path& path) {
    struct stat found {};
    EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
    return found;
  }

  static std::string attribute(const fs::path& path, const std::string& name) {
    char value[256];
    const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value, sizeof value);
    return size < 0 ? "none" : std::string(value, static_cast<std::size_t>(size));
  }

  ScratchDir scratch_;
};

TEST_F(Layers, OwnersModesAndTimes) {
  const mode_t before = ::umask(077);
  const fs::path layer =
      sound(TarBuilder()
                .directory("./", 0711, {.uid = 5, .mtime = 1'111'111'111})
                .directory("d", 02775, {.uid = 10, .gid = 20, .mtime = 1'222'222'222})
                .file("d/plain", "x", 0666, {.mtime = 1'300'000'000, .mtime_nanoseconds = 123456789})
                .file("d/setuid", "x", 04755, {.uid = 1000, .gid = 1000})
                .file("d/setgid", "x", 02711)
                .file("d/none", "secret", 0)
                .directory("d/tmp", 01777)
                .directory("d/closed", 0, {.uid = 7})
                .file("d/closed/in", "x", 0600, {.uid = 7})
                .symlink("d/link", "/nowhere/../at/all", {.uid = 3, .gid = 4, .mtime = 1'400'000'000})
                .file("d/big id", "", 0644, {.uid = 4'000'000'000, .gid = 70000}));
  ::umask(before);
  EXPECT_EQ(status(layer).st_mode & 07777, 0711U);
  EXPECT_EQ(status(layer).st_uid, 5U);
  EXPECT_EQ(status(layer).st_mtim.tv_sec, 1'111'111'111);
  EXPECT_EQ(status(layer / "d").st_mode & 07777, 02775U);
  EXPECT_EQ(status(layer / "d").st_gid, 20U);
  EXPECT_EQ(status(layer / "d").st_mtim.tv_sec, 1'222'222'222);
  EXPECT_EQ(status(layer / "d/plain").st_mode & 07777, 0666U);
  EXPECT_EQ(status(layer / "d/plain").st_uid, 0U);
  // Not inherited from the directory's set-group-id bit.
  EXPECT_EQ(status(layer / "d/plain").st_gid, 0U);
  EXPECT_EQ(status(layer / "d/plain").st_mtim.tv_nsec, 123456789);
  EXPECT_EQ(status(layer / "d/setuid").st_mode & 07777, 04755U);
  EXPECT_EQ(status(layer / "d/setuid").st_uid, 1000U);
  EXPECT_EQ(status(layer / "d/setgid").st_mode & 07777, 02711U);
  EXPECT_EQ(status(layer / "d/none").st_mode & 07777, 0U);
  EXPECT_EQ(status(layer / "d/tmp").st_mode & 07777, 01777U);
  EXPECT_EQ(status(layer / "d/closed").st_mode & 07777, 0U);
  EXPECT_EQ(status(layer / "d/closed/in").st_uid, 7U);
  EXPECT_EQ(fs::read_symlink(layer / "d/link"), "/nowhere/../at/all");
  EXPECT_EQ(status(layer / "d/link").st_uid, 3U);
  EXPECT_EQ(status(layer / "d/link").st_mtim.tv_sec, 1'400'000'000);
  EXPECT_EQ(status(layer / "d/big id").st_uid, 4'000'000'000U);
}

TEST_F(Layers, TheRootIs0755UnlessTold) {
  EXPECT_EQ(status(sound(TarBuilder().file("a", "b"))).st_mode & 07777, 0755U);
  EXPECT_EQ(status(layers()).st_mode & 07777, 0700U);
}

TEST_F(Layers, MissingParentsAre0755Root) {
  const fs::path layer = sound(TarBuilder().file("a/b/c", "x", 0600, {.uid = 9}));
  EXPECT_EQ(status(layer / "a/b").st_mode & 07777, 0755U);
  EXPECT_EQ(status(layer / "a/b").st_uid, 0U);
}

TEST_F(Layers, ExtendedAttributesAndFileCapabilities) {
  // cap_net_bind_service=ep, revision 2, as setcap(8) stores it.
  const std::string capability("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  const TarMeta meta{.uid = 1000,
                     .attributes = {{"security.capability", capability},
                                    {"user.note", std::string("a\0b", 3)},
                                    {"security.selinux", "label"},
                                    {"trusted.overlay.opaque", "y"},
                                    {"trusted.overlay.redirect", "/etc"}}};
  const fs::path layer = sound(TarBuilder().directory("d", 0755, meta).file("d/f", "x", 0755, meta));
  EXPECT_EQ(attribute(layer / "d/f", "security.capability"), capability);
  EXPECT_EQ(attribute(layer / "d/f", "user.note"), std::string("a\0b", 3));
  EXPECT_EQ(attribute(layer / "d", "user.note"), std::string("a\0b", 3));
  for (const fs::path& path : {layer / "d", layer / "d/f"}) {
    EXPECT_EQ(attribute(path, "trusted.overlay.opaque"), "none");
    EXPECT_EQ(attribute(path, "trusted.overlay.redirect"), "none");
    EXPECT_EQ(attribute(path, "security.selinux"), "none");
  }
}

TEST_F(Layers, LinksAndNodes) {
  const fs::path layer = sound(TarBuilder()
                                   .file("a", "shared")
                                   .hard_link("b", "a")
                                   .hard_link("d/c", "./b")
                                   .hard_link("e", "/a")
                                   .symlink("s", "a")
                                   .hard_link("s2", "s")
                                   .fifo("p", 0622, {.uid = 8})
                                   .character("null", 1, 3, 0666)
                                   .block("disk", 8, 1, 0660, {.gid = 6}));
  EXPECT_EQ(status(layer / "a").st_nlink, 4U);
  EXPECT_EQ(status(layer / "a").st_ino, status(layer / "d/c").st_ino);
  EXPECT_EQ(status(layer / "a").st_ino, status(layer / "e").st_ino);
  EXPECT_TRUE(S_ISLNK(status(layer / "s2").st_mode));
  EXPECT_EQ(status(layer / "p").st_mode, static_cast<mode_t>(S_IFIFO | 0622));
  EXPECT_EQ(status(layer / "p").st_uid, 8U);
  EXPECT_EQ(status(layer / "null").st_rdev, makedev(1, 3));
  EXPECT_EQ(status(layer / "null").st_mode, static_cast<mode_t>(S_IFCHR | 0666));
  EXPECT_EQ(status(layer / "disk").st_rdev, makedev(8, 1));
  EXPECT_EQ(status(layer / "disk").st_gid, 6U);
}

TEST_F(Layers, SparseFilesKeepTheirHoles) {
  const std::uint64_t size = 1U << 30U;
  const fs::path layer = sound(TarBuilder()
                                   .sparse_gnu("gnu", size, {{4096, "first"}, {size - 4096, "last"}})
                                   .sparse_pax("pax", size, {{0, "zero"}, {1U << 20U, "mega"}})
                                   .sparse_pax("hole", size, {}));
  for (const char* name : {"gnu", "pax", "hole"}) {
    EXPECT_EQ(static_cast<std::uint64_t>(status(layer / name).st_size), size);
    EXPECT_LT(status(layer / name).st_blocks, 200) << name;
  }
  const sys::Fd gnu(::open((layer / "gnu").c_str(), O_RDONLY | O_CLOEXEC));
  char text[5];
  ASSERT_EQ(::pread(gnu.get(), text, 5, 4096), 5);
  EXPECT_EQ(std::string(text, 5), "first");
}

TEST_F(Layers, NamesOfAllKinds) {
  const std::string deep = std::string(200, 'd') + '/' + std::string(255, 'n');
  const fs::path layer = sound(TarBuilder()
                                   .file(deep, "1")
                                   .file("caf\xc3\xa9", "2")
                                   .file("cafe\xcc\x81", "3")
                                   .file("bad\xff", "4")
                                   .file("new\nline", "5"));
  EXPECT_EQ(read_text(layer / deep), "1");
  EXPECT_EQ(read_text(layer / "caf\xc3\xa9"), "2");
  EXPECT_EQ(read_text(layer / "cafe\xcc\x81"), "3");
  EXPECT_EQ(read_text(layer / "bad\xff"), "4");
  EXPECT_EQ(read_text(layer / "new\nline"), "5");
}

TEST_F(Layers, LaterEntriesReplaceEarlierOnes) {
  const fs::path layer = sound(TarBuilder()
                                   .file("f", "first", 0600)
                                   .hard_link("other", "f")
                                   .file("f", "second", 0644)
                                   .directory("d", 0700)
                                   .file("d/kept", "x")
                                   .directory("d", 0755, {.uid = 3, .mtime = 1'250'000'000})
                                   .directory("dir-to-file")
                                   .file("dir-to-file/x", "x")
                                   .directory("dir-to-file/y", 0700)
                                   .file("dir-to-file", "file")
                                   .file("file-to-dir", "x")
                                   .directory("file-to-dir", 0711)
                                   .symlink("link-to-dir", "d")
                                   .directory("link-to-dir")
                                   .file("link-to-dir/in", "x"));
  EXPECT_EQ(read_text(layer / "f"), "second");
  // The first one's other name keeps the first one's bytes.
  EXPECT_EQ(read_text(layer / "other"), "first");
  EXPECT_EQ(status(layer / "d").st_uid, 3U);
  EXPECT_EQ(status(layer / "d").st_mtim.tv_sec, 1'250'000'000);
  EXPECT_TRUE(fs::exists(layer / "d/kept"));
  EXPECT_EQ(read_text(layer / "dir-to-file"), "file");
  EXPECT_EQ(status(layer / "file-to-dir").st_mode, static_cast<mode_t>(S_IFDIR | 0711));
  EXPECT_EQ(attribute(layer / "file-to-dir", "trusted.overlay.opaque"), "y");
  EXPECT_TRUE(fs::exists(layer / "link-to-dir/in"));
  EXPECT_FALSE(fs::exists(layer / "d/in"));
}

TEST_F(Layers, WhiteoutsBecomeOverlays) {
  const fs::path layer = sound(TarBuilder()
                                   .whiteout("gone")
                                   .whiteout("a/b/deep")
                                   .directory("o", 0750)
                                   .opaque("o")
                                   .file("o/new", "x")
                                   .opaque("implied")
                                   .file(".wh..wh.aufs", "")
                                   .directory(".wh..wh.plnk", 0700)
                                   .file(".wh..wh.plnk/1.2", "x"));
  EXPECT_EQ(status(layer / "gone").st_mode & S_IFMT, static_cast<mode_t>(S_IFCHR));
  EXPECT_EQ(status(layer / "gone").st_rdev, 0U);
  EXPECT_EQ(status(layer / "a/b/deep").st_rdev, 0U);
  EXPECT_EQ(attribute(layer / "o", "trusted.overlay.opaque"), "y");
  EXPECT_EQ(status(layer / "o").st_mode & 07777, 0750U);
  EXPECT_EQ(attribute(layer / "implied", "trusted.overlay.opaque"), "y");
  for (const char* name : {".wh..wh.aufs", ".wh..wh.plnk", "o/.wh..wh..opq", ".wh.gone"}) {
    EXPECT_FALSE(fs::exists(fs::symlink_status(layer / name))) << name;
  }
}

TEST_F(Layers, ReAddedNamesLiveWhateverTheOrder) {
  const fs::path after =
      sound(TarBuilder().whiteout("f").file("f", "new").whiteout("d").directory("d").file("d/x", "new"));
  const fs::path before =
      sound(TarBuilder().file("f", "new").whiteout("f").directory("d").file("d/x", "new").whiteout("d"));
  const fs::path implied = sound(TarBuilder().whiteout("d").file("d/x", "new").file("f", "new"));
  for (const fs::path& layer : {after, before, implied}) {
    EXPECT_EQ(read_text(layer / "f"), "new");
    EXPECT_EQ(read_text(layer / "d/x"), "new");
    EXPECT_EQ(attribute(layer / "d", "trusted.overlay.opaque"), "y");
  }
}

TEST_F(Layers, AnOpaqueRootSaysSo) {
  EXPECT_TRUE(*hides_all_below(sound(TarBuilder().file("f", "x").opaque(""))));
  EXPECT_FALSE(*hides_all_below(sound(TarBuilder().file("f", "x"))));
}

TEST_F(Layers, EveryCompression) {
  std::string content;
  while (content.size() < 3'000'000) content += std::to_string(content.size() * 7919);
  int salt = 0;
  for (const Packing packing : {Packing::plain, Packing::gzip, Packing::zstd}) {
    const fs::path layer = sound(TarBuilder().file("f", content).file("salt", std::to_string(++salt)), packing);
    EXPECT_EQ(read_text(layer / "f") == content, true);
  }
}

TEST_F(Layers, StandsOnceAndIsFound) {
  const TarBuilder tar = TarBuilder().file("a", "b");
  const std::string diff_id = test::digest_of(tar.bytes());
  EXPECT_FALSE(find_layer(data_dir(), diff_id));
  const fs::path layer = sound(tar);
  EXPECT_EQ(find_layer(data_dir(), diff_id), layer);
  EXPECT_EQ(layer, layers() / diff_id.substr(7));
  EXPECT_EQ(names_in_layers(), 1U);
  // The second time the blob is not even looked at.
  const Result<fs::path> again = ensure_layer(data_dir(), diff_id, memory_file("no tar"), {}, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, layer);
  ASSERT_TRUE(remove_layer(data_dir(), diff_id));
  EXPECT_FALSE(find_layer(data_dir(), diff_id));
  EXPECT_EQ(names_in_layers(), 0U);
  EXPECT_TRUE(remove_layer(data_dir(), diff_id));
}

TEST_F(Layers, StrictDiffIds) {
  const sys::Fd blob = memory_file(TarBuilder().bytes());
  const std::string hex(64, 'a');
  for (const std::string& diff_id :
       {std::string(), hex, "sha256:" + hex + 'a', "sha256:" + hex.substr(1), "sha512:" + hex,
        "sha256:" + std::string(64, 'A'), "sha256:../../../../../../../etc/" + std::string(39, 'a'), "SHA256:" + hex,
        "sha256:" + std::string(63, 'a') + '/'}) {
    const Result<fs::path> layer = ensure_layer(data_dir(), diff_id, blob, {}, {});
    ASSERT_FALSE(layer) << diff_id;
    EXPECT_EQ(layer.error().kind(), Kind::invalid);
    EXPECT_FALSE(find_layer(data_dir(), diff_id));
    EXPECT_EQ(remove_layer(data_dir(), diff_id).error().kind(), Kind::invalid);
  }
}

TEST_F(Layers, AWrongDigestLeavesNothing) {
  const sys::Fd blob = memory_file(test::pack(TarBuilder().file("a", "b").bytes(), Packing::gzip));
  const Result<fs::path> layer = ensure_layer(data_dir(), "sha256:" + std::string(64, 'a'), blob, {}, {});
  ASSERT_FALSE(layer);
  EXPECT_EQ(layer.error().kind(), Kind::corrupt);
  EXPECT_NE(layer.error().sentence().find("the layer's content is sha256:"), std::string::npos);
  EXPECT_EQ(names_in_layers(), 0U);
}

TEST_F(Layers, ThreadsShareTheWork) {
  TarBuilder tar;
  for (int count = 0; count < 300; ++count) tar.file("f" + std::to_string(count), std::string(10000, 'x'));
  const std::string bytes = tar.bytes();
  std::atomic<int> unpackers = 0;
  std::atomic<int> sound_results = 0;
  std::vector<std::thread> threads;
  for (int count = 0; count < 6; ++count) {
    threads.emplace_back([&] {
      bool worked = false;
      const sys::Fd blob = memory_file(bytes);
      const Result<fs::path> layer =
          ensure_layer(data_dir(), test::digest_of(bytes), blob, {}, [&](std::uint64_t) { worked = true; });
      if (layer && read_text(*layer / "f299").size() == 10000) ++sound_results;
      if (worked) ++unpackers;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sound_results, 6);
  EXPECT_EQ(unpackers, 1);
  EXPECT_EQ(names_in_layers(), 1U);
}

TEST_F(Layers, ProgressRunsToTheBlobsEnd) {
  const std::string blob = test::pack(TarBuilder().file("a", std::string(3'000'000, 'x')).bytes(), Packing::zstd);
  std::vector<std::uint64_t> steps;
  const std::string diff_id = test::digest_of(TarBuilder().file("a", std::string(3'000'000, 'x')).bytes());
  ASSERT_TRUE(ensure_layer(data_dir(), diff_id, memory_file(blob), {}, [&](std::uint64_t at) { steps.push_back(at); }));
  ASSERT_FALSE(steps.empty());
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  EXPECT_EQ(steps.back(), blob.size());
}

/// A process that is killed when it has read half of the blob.
void unpack_and_die(const fs::path& data_dir, const std::string& tar) {
  const pid_t child = ::fork();
  if (child == 0) {
    const sys::Fd blob = memory_file(tar);
    const auto die = [&](std::uint64_t at) {
      if (at > tar.size() / 2) ::raise(SIGKILL);
    };
    static_cast<void>(ensure_layer(data_dir, test::digest_of(tar), blob, {}, die));
    ::_exit(0);
  }
  int outcome = 0;
  ASSERT_EQ(::waitpid(child, &outcome, 0), child);
  ASSERT_TRUE(WIFSIGNALED(outcome));
}

TEST_F(Layers, AKilledUnpackerLeavesNothingThatCounts) {
  std::string bytes;
  {
    TarBuilder tar;
    for (int count = 0; count < 2000; ++count) tar.file("d/f" + std::to_string(count), std::string(10000, 'x'));
    bytes = tar.bytes();
  }
  unpack_and_die(data_dir(), bytes);
  EXPECT_FALSE(find_layer(data_dir(), test::digest_of(bytes)));
  EXPECT_EQ(names_in_layers(), 2U);
  const Result<fs::path> layer = unpack(data_dir(), bytes);
  ASSERT_TRUE(layer) << layer.error().sentence();
  EXPECT_EQ(read_text(*layer / "d/f1999").size(), 10000U);
  EXPECT_EQ(names_in_layers(), 1U);
}

TEST_F(Layers, SweepTakesTheDeadAndLeavesTheLiving) {
  std::string bytes;
  {
    TarBuilder tar;
    for (int count = 0; count < 2000; ++count) tar.file("d/f" + std::to_string(count), std::string(10000, 'x'));
    bytes = tar.bytes();
  }
  unpack_and_die(data_dir(), bytes);
  const fs::path layer = sound(TarBuilder().file("a", "b"));
  // Somebody else at work: the lock is held.
  const std::string living(64, 'b');
  fs::create_directory(layers() / (".partial-" + living));
  const sys::Fd lock(::open((layers() / (".lock-" + living)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  fs::create_directory(layers() / (".removed-" + std::string(64, 'c')));

  ASSERT_TRUE(sweep_layers(data_dir()));
  EXPECT_TRUE(fs::exists(layer / "a"));
  EXPECT_TRUE(fs::exists(layers() / (".partial-" + living)));
  EXPECT_EQ(names_in_layers(), 3U);

  ASSERT_EQ(::flock(lock.get(), LOCK_UN), 0);
  ASSERT_TRUE(sweep_layers(data_dir()));
  EXPECT_EQ(names_in_layers(), 1U);
}

TEST_F(Layers, AFullDiskIsOneClearError) {
  // RLIMIT_FSIZE stands in for a full disk: the write fails half way through a file.
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const std::string tar = TarBuilder().file("small", "x").file("big", std::string(4'000'000, 'x')).bytes();
    const sys::Fd blob = memory_file(tar);
    const rlimit limit{1'000'000, 1'000'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const Result<fs::path> layer = ensure_layer(data_dir(), test::digest_of(tar), blob, {}, {});
    const bool clear = !layer && layer.error().number() == EFBIG &&
                       layer.error().sentence().find("unpacking 'big'") != std::string::npos && names_in_layers() == 0;
    ::_exit(clear ? 0 : 1);
  }
  int outcome = 0;
  ASSERT_EQ(::waitpid(child, &outcome, 0), child);
  EXPECT_EQ(outcome, 0);
}

}  // namespace
}  // namespace tank::image
