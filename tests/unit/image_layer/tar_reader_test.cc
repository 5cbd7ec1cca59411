// The strict reader over tars made by hand: every dialect's numbers and names, and everything libarchive would forgive.
#include "image/tar_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "support/tar_builder.h"

namespace tank::image {
namespace {

using test::TarBuilder;
using test::TarMeta;

struct Read {
  std::vector<TarEntry> entries;
  std::vector<std::string> contents;  ///< with holes as '_'
  std::optional<Error> failure;

  std::string why() const { return failure ? failure->sentence() : "no error"; }
};

/// Reads the whole archive, handed over in pieces.
Read read(std::string bytes, std::size_t piece = 65536) {
  Read out;
  std::size_t at = 0;
  const auto source = [&]() -> Result<std::span<const char>> {
    const std::size_t count = std::min(piece, bytes.size() - at);
    at += count;
    return std::span<const char>(bytes.data() + at - count, count);
  };
  Result<std::unique_ptr<TarReader>> tar = TarReader::open(source);
  if (!tar) {
    out.failure = tar.error();
    return out;
  }
  for (;;) {
    const Result<const TarEntry*> entry = (*tar)->next();
    if (!entry) out.failure = entry.error();
    if (!entry || *entry == nullptr) return out;
    out.entries.push_back(**entry);
    std::string content;
    for (;;) {
      const Result<TarReader::Data> data = (*tar)->next_data();
      if (!data) out.failure = data.error();
      if (!data) return out;
      if (data->bytes.empty()) break;
      content.resize(data->offset, '_');
      content.append(data->bytes.data(), data->bytes.size());
    }
    out.contents.push_back(std::move(content));
  }
}

void expect_corrupt(const Read& result, std::string_view why) {
  ASSERT_TRUE(result.failure);
  EXPECT_EQ(result.failure->kind(), Kind::corrupt);
  EXPECT_NE(result.failure->sentence().find(why), std::string::npos) << result.failure->sentence();
}

TEST(TarReader, ReadsEveryType) {
  const std::string bytes = TarBuilder()
                                .directory("d", 0750, {.uid = 1000, .gid = 2000, .mtime = 1'500'000'000})
                                .file("d/f", "content", 04755)
                                .symlink("d/s", "../x")
                                .hard_link("d/h", "d/f")
                                .character("c", 1, 3, 0666)
                                .block("b", 8, 1)
                                .fifo("p")
                                .bytes();
  for (const std::size_t piece : {512U, 1024U, 65536U}) {
    const Read out = read(bytes, piece);
    ASSERT_FALSE(out.failure) << out.why();
    ASSERT_EQ(out.entries.size(), 7U);
    EXPECT_EQ(out.entries[0].type, TarEntry::Type::directory);
    EXPECT_EQ(out.entries[0].mode, 0750U);
    EXPECT_EQ(out.entries[0].uid, 1000U);
    EXPECT_EQ(out.entries[0].gid, 2000U);
    EXPECT_EQ(out.entries[0].modified, (sys::Timestamp{1'500'000'000, 0}));
    EXPECT_EQ(out.entries[1].mode, 04755U);
    EXPECT_EQ(out.contents[1], "content");
    EXPECT_EQ(out.entries[2].type, TarEntry::Type::symlink);
    EXPECT_EQ(out.entries[2].link, "../x");
    EXPECT_EQ(out.entries[3].type, TarEntry::Type::hard_link);
    EXPECT_EQ(out.entries[3].link, "d/f");
    EXPECT_EQ(out.entries[4].type, TarEntry::Type::character);
    EXPECT_EQ(out.entries[4].device_major, 1U);
    EXPECT_EQ(out.entries[4].device_minor, 3U);
    EXPECT_EQ(out.entries[5].type, TarEntry::Type::block);
    EXPECT_EQ(out.entries[6].type, TarEntry::Type::fifo);
  }
}

TEST(TarReader, KeepsNanosecondsAttributesAndBigIds) {
  TarMeta meta{.uid = 4'000'000'000, .gid = 3'000'000, .mtime = -5, .mtime_nanoseconds = 0, .attributes = {}};
  const Read old = read(TarBuilder().file("old", "", 0644, {.uid = 4'000'000'000, .gid = 3'000'000}).bytes());
  ASSERT_FALSE(old.failure) << old.why();
  EXPECT_EQ(old.entries[0].uid, 4'000'000'000U);
  EXPECT_EQ(old.entries[0].gid, 3'000'000U);
  meta = {.mtime = 1'600'000'000, .mtime_nanoseconds = 7, .attributes = {{"user.x", std::string("a\0b\n", 4)}}};
  const Read out = read(TarBuilder().file("f", "x", 0644, meta).bytes());
  ASSERT_FALSE(out.failure) << out.why();
  EXPECT_EQ(out.entries[0].modified, (sys::Timestamp{1'600'000'000, 7}));
  ASSERT_EQ(out.entries[0].attributes.size(), 1U);
  EXPECT_EQ(out.entries[0].attributes[0].first, "user.x");
  EXPECT_EQ(out.entries[0].attributes[0].second, std::string("a\0b\n", 4));
}

TEST(TarReader, NamesAreBytes) {
  // Composed, decomposed, not UTF-8 at all, and longer than a header holds: none may change.
  for (const std::string& name : {std::string("caf\xc3\xa9"), std::string("cafe\xcc\x81"), std::string("bad\xff\xfe"),
                                  std::string("\xe6\xb0\xb4/\xe7\x81\xab"), "long/" + std::string(250, 'n')}) {
    const Read out = read(TarBuilder().file(name, "x").symlink("l", name).bytes());
    ASSERT_FALSE(out.failure) << out.why();
    EXPECT_EQ(out.entries[0].name, name);
    EXPECT_EQ(out.entries[1].link, name);
  }
}

TEST(TarReader, RawBytesInAPlainHeader) {
  const Read out = read(TarBuilder().header({.name = "caf\xe9"}).bytes());
  ASSERT_FALSE(out.failure) << out.why();
  EXPECT_EQ(out.entries[0].name, "caf\xe9");
}

TEST(TarReader, GnuLongNames) {
  const std::string name = "dir/" + std::string(300, 'a').replace(150, 1, "/");
  const std::string link = std::string(400, 'b').replace(200, 1, "/");
  const Read out = read(TarBuilder()
                            .long_link(link)
                            .long_name(name)
                            .header({.name = "cut", .type = '2', .link = "cut", .magic = std::string("ustar  \0", 8)})
                            .bytes());
  ASSERT_FALSE(out.failure) << out.why();
  EXPECT_EQ(out.entries[0].name, name);
  EXPECT_EQ(out.entries[0].link, link);
}

TEST(TarReader, UstarPrefix) {
  const Read out = read(TarBuilder().header({.name = "base", .prefix = "some/prefix"}).bytes());
  ASSERT_FALSE(out.failure) << out.why();
  EXPECT_EQ(out.entries[0].name, "some/prefix/base");
}

TEST(TarReader, SparseFilesKeepTheirHoles) {
  std::vector<test::TarExtent> extents;
  for (std::uint64_t index = 0; index < 30; ++index) extents.push_back({index * 1000 + 10, std::string(5, 'x')});
  for (const std::string& bytes :
       {TarBuilder().sparse_gnu("f", 40000, extents).bytes(), TarBuilder().sparse_pax("f", 40000, extents).bytes()}) {
    const Read out = read(bytes);
    ASSERT_FALSE(out.failure) << out.why();
    EXPECT_EQ(out.entries[0].name, "f");
    EXPECT_EQ(out.entries[0].size, 40000U);
    ASSERT_EQ(out.contents[0].size(), 29015U);
    EXPECT_EQ(out.contents[0].substr(0, 20), "__________xxxxx_____");
    EXPECT_EQ(std::count(out.contents[0].begin(), out.contents[0].end(), 'x'), 150);
  }
}

TEST(TarReader, AnEmptyLayerIsTwoBlocks) {
  EXPECT_FALSE(read(TarBuilder().bytes()).failure);
  EXPECT_FALSE(read(TarBuilder().end_blocks(1).bytes()).failure);
  EXPECT_FALSE(read(TarBuilder().end_blocks(20).bytes()).failure);
  EXPECT_FALSE(read(TarBuilder().file("a", "b").end_blocks(2000).bytes(), 4096).failure);
}

TEST(TarReader, RefusesNoTarAtAll) {
  EXPECT_TRUE(read("").failure);
  EXPECT_TRUE(read("hello").failure);
  EXPECT_TRUE(read(std::string(5000, 'x')).failure);
  EXPECT_TRUE(read(std::string(100, '\0')).failure);
}

TEST(TarReader, RefusesAMissingEnd) {
  expect_corrupt(read(TarBuilder().file("a", "b").end_blocks(0).bytes()), "no end mark");
  expect_corrupt(read(TarBuilder().file("zeros", std::string(4096, '\0')).end_blocks(0).bytes()), "no end mark");
  expect_corrupt(read(TarBuilder().file("a", "b").end_blocks(0).bytes() + std::string(100, '\0')), "");
}

TEST(TarReader, RefusesEveryTruncation) {
  const std::string whole =
      TarBuilder().directory("d").file("d/f", std::string(3000, 'x'), 0644, {.mtime_nanoseconds = 5}).bytes();
  for (std::size_t length = 0; length < whole.size() - 512; length += 64) {
    EXPECT_TRUE(read(whole.substr(0, length)).failure) << length;
  }
}

TEST(TarReader, RefusesWhatFollowsTheEnd) {
  const std::string sound = TarBuilder().file("a", "b").bytes();
  for (const std::size_t piece : {512U, 65536U}) {
    expect_corrupt(read(sound + "x", piece), "followed by something else");
    expect_corrupt(read(sound + std::string(100000, '\0') + "x", piece), "followed by something else");
    expect_corrupt(read(sound + TarBuilder().file("second", "archive").bytes(), piece), "followed by something else");
    expect_corrupt(read(TarBuilder().file("a", "b").end_blocks(1).bytes() + TarBuilder().file("c", "d").bytes(), piece),
                   "followed by something else");
  }
}

TEST(TarReader, RefusesABadCheckSum) {
  expect_corrupt(read(TarBuilder().header({.name = "a", .checksum_error = 1}).bytes()), "");
  expect_corrupt(read(TarBuilder().file("ok", "x").header({.name = "a", .checksum_error = 1}).file("b", "x").bytes()),
                 "Damaged");
}

TEST(TarReader, RefusesMalformedPaxRecords) {
  for (const std::string& body : {std::string("nonsense"), std::string("99 path=a\n"), std::string("6 a=\n"),
                                  std::string("12 path=abc"), std::string("0 path=a\n"), std::string("11 pathabc\n")}) {
    const Read out = read(TarBuilder().file("ok", "").pax_body(body).file("f", "x").bytes());
    EXPECT_TRUE(out.failure) << body;
  }
}

TEST(TarReader, RefusesGiantPaxHeaders) {
  expect_corrupt(
      read(TarBuilder().file("ok", "").pax({{"comment", std::string(2U << 20U, 'x')}}).file("f", "").bytes()),
      "too large");
}

TEST(TarReader, RefusesEndlessSpecialHeaders) {
  TarBuilder tar;
  tar.file("ok", "");
  for (int count = 0; count < 5000; ++count) tar.long_name("name");
  expect_corrupt(read(tar.file("f", "").bytes()), "special headers");
}

TEST(TarReader, RefusesASparseMapWithoutEnd) {
  std::string map = "4000000\n";
  while (map.size() < (10U << 20U)) map += "0\n0\n";
  const Read out = read(TarBuilder()
                            .file("ok", "")
                            .pax({{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.realsize", "1"}})
                            .header({.name = "f", .size = map.size()})
                            .data(map)
                            .bytes());
  expect_corrupt(out, "header");
}

TEST(TarReader, RefusesImpossibleIds) {
  expect_corrupt(read(TarBuilder().file("a", "", 0644, {.uid = 4'294'967'295}).bytes()), "no user or group id");
  expect_corrupt(read(TarBuilder().file("a", "", 0644, {.gid = 1ULL << 40U}).bytes()), "no user or group id");
  expect_corrupt(read(TarBuilder().pax({{"uid", "-1"}}).file("a", "").bytes()), "no user or group id");
  expect_corrupt(read(TarBuilder().character("c", 70000, 1).bytes()), "device number");
}

TEST(TarReader, ANulEndsAName) {
  const Read out = read(TarBuilder().pax({{"path", std::string("a\0/../../etc/x", 14)}}).file("b", "").bytes());
  ASSERT_FALSE(out.failure);
  EXPECT_EQ(out.entries[0].name, "a");
}

TEST(TarReader, ReportsWhyTheStreamBroke) {
  int calls = 0;
  const std::string begin = TarBuilder().file("a", std::string(600, 'x')).bytes().substr(0, 1024);
  Result<std::unique_ptr<TarReader>> tar = TarReader::open([&]() -> Result<std::span<const char>> {
    if (++calls > 1) return error(Kind::aborted, "no more");
    return std::span<const char>(begin);
  });
  ASSERT_TRUE(tar);
  ASSERT_TRUE((*tar)->next());
  Result<TarReader::Data> data = (*tar)->next_data();
  while (data && !data->bytes.empty()) data = (*tar)->next_data();
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind(), Kind::aborted);
}

}  // namespace
}  // namespace tank::image
