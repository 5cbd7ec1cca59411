// Layers made to harm. Each is refused with a sentence or contained in its directory; in every case what stands beside
// the layer is untouched and nothing half unpacked stays.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tree.h"

namespace tank::image {
namespace {

namespace fs = std::filesystem;
using test::Packing;
using test::TarBuilder;

class EvilLayers : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: layers have owners and devices";
    fs::create_directories(outside_);
    std::ofstream(outside_ / "victim") << "untouched";
    before_ = describe_tree(outside_, Times::all);
  }

  void TearDown() override {
    if (::geteuid() != 0) return;
    EXPECT_EQ(describe_tree(outside_, Times::all), before_);
  }

  fs::path data_dir() const { return scratch_.path() / "data"; }

  void refused(const std::string& tar, Kind kind, std::string_view why, const LayerCaps& caps = {},
               Packing packing = Packing::plain) {
    const Result<fs::path> layer = unpack(data_dir(), tar, caps, packing);
    ASSERT_FALSE(layer) << why;
    EXPECT_EQ(layer.error().kind(), kind) << layer.error().sentence();
    EXPECT_NE(layer.error().sentence().find(why), std::string::npos) << layer.error().sentence();
    EXPECT_TRUE(fs::is_empty(data_dir() / "layers"));
  }

  fs::path contained(const std::string& tar) {
    const Result<fs::path> layer = unpack(data_dir(), tar);
    EXPECT_TRUE(layer) << layer.error().sentence();
    return layer ? *layer : fs::path();
  }

  ScratchDir scratch_;
  fs::path outside_ = scratch_.path() / "outside";
  std::map<std::string, std::string> before_;
};

TEST_F(EvilLayers, DotDotIsRefused) {
  refused(TarBuilder().file("../../../outside/x", "evil").bytes(), Kind::corrupt, "'..'");
  refused(TarBuilder().file("a/../../x", "evil").bytes(), Kind::corrupt, "'..'");
  refused(TarBuilder().directory("..", 0777).bytes(), Kind::corrupt, "'..'");
  refused(TarBuilder().file("a", "").hard_link("b", "../../../outside/victim").bytes(), Kind::corrupt, "'..'");
  refused(TarBuilder().whiteout("../../../outside/victim").bytes(), Kind::corrupt, "'..'");
}

TEST_F(EvilLayers, AbsoluteNamesStayInside) {
  const std::string victim = (outside_ / "victim").native();
  const fs::path layer = contained(TarBuilder().file(victim, "evil").bytes());
  EXPECT_EQ(read_text(layer.native() + victim), "evil");
}

TEST_F(EvilLayers, SymlinkedParentsStayInside) {
  const std::string absolute = outside_.native();
  const fs::path layer = contained(TarBuilder()
                                       .symlink("abs", absolute)
                                       .file("abs/victim", "evil")
                                       .symlink("rel", "../../../../../../../../" + absolute.substr(1))
                                       .file("rel/victim2", "evil")
                                       .symlink("up", "..")
                                       .file("up/up/up/x", "evil")
                                       .symlink("lib", "usr/lib")
                                       .directory("usr/lib")
                                       .file("lib/y", "through the link")
                                       .bytes());
  EXPECT_EQ(read_text(layer.native() + absolute + "/victim"), "evil");
  EXPECT_EQ(read_text(layer.native() + absolute + "/victim2"), "evil");
  EXPECT_EQ(read_text(layer / "x"), "evil");
  EXPECT_EQ(read_text(layer / "usr/lib/y"), "through the link");
  EXPECT_TRUE(fs::is_symlink(layer / "lib"));
}

TEST_F(EvilLayers, ASymlinkIsNeverWrittenThrough) {
  const std::string victim = (outside_ / "victim").native();
  const fs::path layer = contained(TarBuilder().symlink("f", victim).file("f", "evil", 0777, {.uid = 1}).bytes());
  EXPECT_EQ(read_text(layer / "f"), "evil");
  EXPECT_FALSE(fs::is_symlink(layer / "f"));
  const fs::path second =
      contained(TarBuilder().symlink("d", outside_.native()).directory("d", 0777, {.uid = 1}).bytes());
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(second / "d")));
}

TEST_F(EvilLayers, ASwappedParentIsNotRemembered) {
  const fs::path layer = contained(
      TarBuilder().directory("d").file("d/one", "1").symlink("d", outside_.native()).file("d/two", "2").bytes());
  EXPECT_FALSE(fs::exists(layer / "d" / "one"));
  EXPECT_EQ(read_text(layer.native() + outside_.native() + "/two"), "2");
}

TEST_F(EvilLayers, HardLinksOutAreRefused) {
  const std::string victim = (outside_ / "victim").native();
  refused(TarBuilder().hard_link("x", victim).bytes(), Kind::corrupt, "which this layer does not have");
  refused(TarBuilder().symlink("s", outside_.native()).hard_link("x", "s/victim").bytes(), Kind::corrupt,
          "which this layer does not have");
  refused(TarBuilder().hard_link("x", "etc/passwd").bytes(), Kind::corrupt, "which this layer does not have");
  refused(TarBuilder().whiteout("w").hard_link("x", "w").bytes(), Kind::corrupt, "which this layer does not have");
  refused(TarBuilder().directory("d").hard_link("x", "d").bytes(), Kind::corrupt, "hard link to the directory");
  refused(TarBuilder().hard_link("x", "/").bytes(), Kind::corrupt, "which this layer does not have");
}

TEST_F(EvilLayers, AHardLinkToASymlinkIsNoWayOut) {
  const std::string victim = (outside_ / "victim").native();
  const fs::path layer =
      contained(TarBuilder().symlink("s", victim).hard_link("h", "s").file("h", "evil", 0777).bytes());
  EXPECT_EQ(read_text(layer / "h"), "evil");
}

TEST_F(EvilLayers, AHardLinkToItselfKeepsTheFile) {
  const fs::path layer = contained(TarBuilder().file("f", "kept").hard_link("f", "f").hard_link("./f", "/f").bytes());
  EXPECT_EQ(read_text(layer / "f"), "kept");
}

TEST_F(EvilLayers, AHardLinkInPlaceOfItsTargetsDirectory) {
  refused(TarBuilder().file("d/f", "x").hard_link("d", "d/f").bytes(), Kind::corrupt, "which this layer does not have");
}

TEST_F(EvilLayers, TheRootStaysADirectory) {
  for (const char* name : {"/", "./", "."}) {
    refused(TarBuilder().symlink(name, outside_.native()).bytes(), Kind::corrupt, "must be a directory");
  }
  refused(TarBuilder().header({.name = "/", .type = '1', .link = "x"}).bytes(), Kind::corrupt, "must be a directory");
}

TEST_F(EvilLayers, NamesThatAreNone) {
  refused(TarBuilder().header({.name = ""}).bytes(), Kind::corrupt, "no name");
  refused(TarBuilder().file(std::string(256, 'x'), "").bytes(), Kind::corrupt, "256 bytes");
  refused(TarBuilder().symlink("s", "").bytes(), Kind::corrupt, "symbolic link to nothing");
  refused(TarBuilder().file("f", "").file("f/x", "").bytes(), Kind::corrupt, "not a directory");
  // A NUL ends the name, as in every program written in C: the rest goes nowhere.
  const fs::path layer = contained(TarBuilder().pax({{"path", std::string("a\0/../../x", 10)}}).file("b", "x").bytes());
  EXPECT_TRUE(fs::exists(layer / "a"));
}

TEST_F(EvilLayers, DeepPathsAreRefused) {
  std::string deep;
  for (int level = 0; level < 10000; ++level) deep += "d/";
  refused(TarBuilder().file(deep + "f", "x").bytes(), Kind::corrupt, "directories deep");
}

TEST_F(EvilLayers, DeepPathsByLinksAreRefusedToo) {
  std::string deep;
  for (int level = 0; level < 200; ++level) deep += "d/";
  refused(TarBuilder().directory(deep).symlink("l", deep).directory("l/" + deep).bytes(), Kind::corrupt,
          "directories deep");
}

TEST_F(EvilLayers, EndlessResolutionsAreRefused) {
  std::string back_and_forth;
  for (int count = 0; count < 800; ++count) back_and_forth += "d/../";
  refused(TarBuilder().directory("d").symlink("l", back_and_forth).file("l/x", "").bytes(), Kind::corrupt,
          "too long a path");
}

TEST_F(EvilLayers, LinksInCirclesAreRefused) {
  refused(TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x", "").bytes(), Kind::corrupt, "symbolic links");
  refused(TarBuilder().symlink("s", "s/s").file("s/x", "").bytes(), Kind::corrupt, "symbolic links");
}

TEST_F(EvilLayers, WhiteoutsOfNothing) {
  for (const char* name : {".wh.", ".wh..", ".wh...", "d/.wh."}) {
    refused(TarBuilder().file(name, "").bytes(), Kind::corrupt, "names nothing");
  }
  refused(TarBuilder().file("a/.wh.b/c", "").bytes(), Kind::corrupt, "whiteout's name");
}

TEST_F(EvilLayers, AnImageDoesNotSpeakOverlay) {
  refused(TarBuilder().character("c", 0, 0).bytes(), Kind::unsupported, "0:0");
}

TEST_F(EvilLayers, BombsAreStopped) {
  const std::string zeros(20'000'000, '\0');
  const LayerCaps caps{.max_bytes = 1'000'000};
  refused(TarBuilder().file("f", zeros).bytes(), Kind::corrupt, "more than 1000000 bytes", caps, Packing::gzip);
  refused(TarBuilder().file("f", zeros).bytes(), Kind::corrupt, "more than 1000000 bytes", caps, Packing::zstd);
  refused(TarBuilder().end_blocks(100'000).bytes(), Kind::corrupt, "more than 1000000 bytes", caps, Packing::gzip);
  refused(TarBuilder().sparse_pax("f", 1ULL << 60U, {}).bytes(), Kind::corrupt, "more than", {});
  refused(TarBuilder().sparse_gnu("a", 600'000, {}).sparse_gnu("b", 600'000, {}).bytes(), Kind::corrupt, "more than",
          caps);
}

TEST_F(EvilLayers, TooManyEntriesAreStopped) {
  TarBuilder tar;
  for (int count = 0; count < 11; ++count) tar.file("f", "");
  refused(tar.bytes(), Kind::corrupt, "more than 10 entries", LayerCaps{.max_entries = 10});
}

TEST_F(EvilLayers, DataBeyondTheSizeIsRefused) {
  refused(TarBuilder().sparse_pax("f", 100, {{0, std::string(200, 'x')}}).bytes(), Kind::corrupt, "beyond its size");
  refused(TarBuilder().sparse_pax("f", 100, {{1ULL << 62U, "x"}}).bytes(), Kind::corrupt, "beyond its size");
}

TEST_F(EvilLayers, BrokenStreamsAreRefused) {
  const std::string tar = TarBuilder().file("f", std::string(2'000'000, 'x')).bytes();
  const std::string diff_id = test::digest_of(tar);
  const auto expect = [&](const std::string& blob, std::string_view why) {
    const Result<fs::path> layer = ensure_layer(data_dir(), diff_id, memory_file(blob), {}, {});
    ASSERT_FALSE(layer);
    EXPECT_EQ(layer.error().kind(), Kind::corrupt);
    EXPECT_NE(layer.error().sentence().find(why), std::string::npos) << layer.error().sentence();
    EXPECT_TRUE(fs::is_empty(data_dir() / "layers"));
  };
  for (const Packing packing : {Packing::gzip, Packing::zstd}) {
    const std::string blob = test::pack(tar, packing);
    expect(blob.substr(0, blob.size() - 3), "truncated");
    expect(blob.substr(0, 8), "truncated");
    expect(blob + "garbage", "followed by something else");
  }
  expect(tar.substr(0, 1'000'000), "runcated");
  expect(tar.substr(0, tar.size() - 1024), "no end mark");
  expect(tar + "garbage", "followed by something else");
  expect("", "");
}

TEST_F(EvilLayers, AnErrorInTheMiddleEndsBothThreads) {
  // Far more than the ring holds comes after the refused entry: the producer must be told, or it waits for ever.
  TarBuilder tar;
  tar.file("../x", "").file("big", std::string(30'000'000, 'x'));
  refused(tar.bytes(), Kind::corrupt, "'..'");
}

}  // namespace
}  // namespace tank::image
