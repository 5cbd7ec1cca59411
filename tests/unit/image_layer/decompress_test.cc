// Streams sound and broken: what is cut, damaged or followed by something must be an error, under every decompressor,
// and the sound ones must give the same bytes however they are cut into reads.
#include "image/decompress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include <random>

#include "support/image_builder.h"

namespace tank::image {
namespace {

using test::pack;
using test::Packing;

sys::Fd memory_file(std::string_view bytes) {
  sys::Fd fd(::memfd_create("blob", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return fd;
}

using Make = std::function<Result<std::unique_ptr<Decompressor>>(BlobSource&)>;

Result<std::string> unpack(std::string_view blob, const Make& make, std::size_t piece = 65536) {
  const sys::Fd fd = memory_file(blob);
  BlobSource source(fd);
  const std::unique_ptr<Decompressor> decompressor = TRY(make(source));
  std::string out;
  std::string buffer(piece, '\0');
  for (;;) {
    const std::size_t count = TRY(decompressor->read(buffer));
    if (count == 0) return out;
    out.append(buffer, 0, count);
  }
}

Make with(Inflater inflater) {
  return [inflater](BlobSource& source) { return make_gzip_decompressor(source, inflater); };
}

/// Half compressible, half not, and of no round length.
std::string sample(std::size_t size) {
  std::mt19937 random(7);
  std::string out;
  while (out.size() < size) {
    out += "the quick brown fox ";
    for (int count = 0; count < 20; ++count) out += static_cast<char>(random());
  }
  out.resize(size);
  return out;
}

void expect_corrupt(const Result<std::string>& result, std::string_view why) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind(), Kind::corrupt);
  EXPECT_NE(result.error().sentence().find(why), std::string::npos) << result.error().sentence();
}

class Gzip : public testing::TestWithParam<Inflater> {};

TEST_P(Gzip, Unpacks) {
  for (const std::size_t size : {0U, 1U, 511U, 65536U, 1000003U}) {
    const std::string content = sample(size);
    for (const std::size_t piece : {1U, 7U, 4096U, 262144U}) {
      if (size / piece > 200000) continue;
      const Result<std::string> out = unpack(pack(content, Packing::gzip), with(GetParam()), piece);
      ASSERT_TRUE(out) << out.error().sentence();
      EXPECT_EQ(*out == content, true) << size << ' ' << piece;
    }
  }
}

TEST_P(Gzip, UnpacksManyMembers) {
  std::string blob;
  std::string content;
  for (std::size_t member = 0; member < 400; ++member) {
    const std::string part = sample(member * 37 % 5000);
    blob += pack(part, Packing::gzip);
    content += part;
  }
  for (const std::size_t piece : {1U, 1000U, 262144U}) {
    const Result<std::string> out = unpack(blob, with(GetParam()), piece);
    ASSERT_TRUE(out) << out.error().sentence();
    EXPECT_EQ(*out == content, true);
  }
}

TEST_P(Gzip, RefusesEveryTruncation) {
  const std::string blob = pack(sample(3000), Packing::gzip) + pack(sample(50), Packing::gzip);
  const std::size_t first = pack(sample(3000), Packing::gzip).size();
  for (std::size_t length = 2; length < blob.size(); ++length) {
    if (length == first) continue;  // one whole member
    const Result<std::string> out = unpack(std::string_view(blob).substr(0, length), with(GetParam()));
    ASSERT_FALSE(out) << length;
    EXPECT_EQ(out.error().kind(), Kind::corrupt);
  }
  expect_corrupt(unpack(std::string_view(blob).substr(0, first - 1), with(GetParam())), "truncated");
}

TEST_P(Gzip, RefusesABadCheckSumOrLength) {
  const std::string good = pack(sample(100000), Packing::gzip);
  for (std::size_t back = 1; back <= 8; ++back) {
    std::string bad = good;
    bad[bad.size() - back] = static_cast<char>(bad[bad.size() - back] ^ 1);
    expect_corrupt(unpack(bad, with(GetParam())), "damaged");
  }
}

TEST_P(Gzip, RefusesTrailingBytes) {
  for (const std::string& tail :
       {std::string("x"), std::string("garbage"), std::string(512, '\0'), std::string("\x1f")}) {
    expect_corrupt(unpack(pack(sample(5000), Packing::gzip) + tail, with(GetParam())), "followed by something else");
  }
}

TEST_P(Gzip, RefusesDamageInTheMiddle) {
  const std::string good = pack(sample(50000), Packing::gzip);
  for (std::size_t at = 10; at < good.size(); at += 997) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x55);
    EXPECT_FALSE(unpack(bad, with(GetParam()))) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Inflaters, Gzip, testing::Values(Inflater::zlib, Inflater::isal),
                         [](const auto& tested) { return tested.param == Inflater::zlib ? "zlib" : "isal"; });

TEST(Zstd, UnpacksFramesAndSkippableFrames) {
  const std::string content = sample(700001);
  std::string skippable("\x50\x2a\x4d\x18\x05\0\0\0hello", 13);
  const std::string blob =
      skippable + pack(content, Packing::zstd) + skippable + pack("tail", Packing::zstd) + skippable;
  for (const std::size_t piece : {13U, 4096U, 262144U}) {
    const Result<std::string> out = unpack(blob, make_decompressor, piece);
    ASSERT_TRUE(out) << out.error().sentence();
    EXPECT_EQ(*out == content + "tail", true);
  }
}

TEST(Zstd, RefusesEveryTruncation) {
  const std::string blob = pack(sample(3000), Packing::zstd);
  for (std::size_t length = 4; length < blob.size(); ++length) {
    expect_corrupt(unpack(std::string_view(blob).substr(0, length), make_decompressor), "truncated");
  }
}

TEST(Zstd, RefusesTrailingBytes) {
  expect_corrupt(unpack(pack("a", Packing::zstd) + "garbage", make_decompressor), "followed by something else");
  expect_corrupt(unpack(pack("a", Packing::zstd) + std::string(512, '\0'), make_decompressor), "followed by");
  EXPECT_FALSE(unpack(pack("a", Packing::zstd) + "x", make_decompressor));
}

TEST(Zstd, RefusesAGiantWindow) {
  // Frame header: no single segment, window descriptor 2^30.
  const std::string blob("\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00", 9);
  const Result<std::string> out = unpack(blob, make_decompressor);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().kind(), Kind::unsupported) << out.error().sentence();
}

TEST(Zstd, RefusesABadCheckSum) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  const std::string content = sample(10000);
  std::string blob(ZSTD_compressBound(content.size()), '\0');
  blob.resize(ZSTD_compress2(context, blob.data(), blob.size(), content.data(), content.size()));
  ZSTD_freeCCtx(context);
  ASSERT_TRUE(unpack(blob, make_decompressor));
  blob.back() = static_cast<char>(blob.back() ^ 1);
  expect_corrupt(unpack(blob, make_decompressor), "damaged");
}

TEST(Compressions, AreToldByTheirFirstBytes) {
  EXPECT_EQ(*unpack(pack("hello", Packing::gzip), make_decompressor), "hello");
  EXPECT_EQ(*unpack(pack("hello", Packing::zstd), make_decompressor), "hello");
  EXPECT_EQ(*unpack("hello", make_decompressor), "hello");
  EXPECT_EQ(*unpack("", make_decompressor), "");
  EXPECT_EQ(unpack(std::string("\xfd"
                               "7zXZ\0",
                               6),
                   make_decompressor)
                .error()
                .kind(),
            Kind::unsupported);
  EXPECT_EQ(unpack("BZh91AY", make_decompressor).error().kind(), Kind::unsupported);
}

}  // namespace
}  // namespace tank::image
