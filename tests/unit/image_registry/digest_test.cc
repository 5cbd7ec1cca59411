#include "image/digest.h"

#include <gtest/gtest.h>

#include "image/base64.h"

namespace tank::image {
namespace {

const std::string kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(ParseDigest, TakesTheStrictFormOnly) {
  EXPECT_TRUE(parse_digest("sha256:" + kEmpty));
  EXPECT_TRUE(parse_digest("sha512:" + kEmpty + kEmpty));
  std::string upper = kEmpty;
  upper[1] = 'B';
  for (const std::string& wrong :
       {std::string(), kEmpty, "sha256:" + upper, "SHA256:" + kEmpty, "sha256:" + kEmpty + "0",
        "sha256:" + kEmpty.substr(1), "sha512:" + kEmpty, "sha256:" + kEmpty + kEmpty, "md5:" + kEmpty,
        std::string("sha256:../../../../../../../../etc/passwd"), "sha256:" + kEmpty + "/",
        std::string("sha256:\0", 8) + kEmpty.substr(1), " sha256:" + kEmpty, std::string("sha256+b64:") + kEmpty}) {
    const Result<Digest> digest = parse_digest(wrong);
    ASSERT_FALSE(digest) << wrong;
    EXPECT_EQ(digest.error().kind(), Kind::invalid);
  }
}

TEST(Hasher, KnowsThePublishedVectors) {
  EXPECT_EQ(to_string(digest_of("")), "sha256:" + kEmpty);
  EXPECT_EQ(to_string(digest_of("abc")), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_string(digest_of("abc", Digest::Algorithm::sha512)).substr(0, 39),
            "sha512:ddaf35a193617abacc417349ae204131");
}

TEST(Hasher, StartsAnewAfterEachResult) {
  Hasher hasher(Digest::Algorithm::sha256);
  hasher.update("a");
  hasher.update("bc");
  EXPECT_EQ(hasher.finish(), digest_of("abc"));
  EXPECT_EQ(hasher.finish(), digest_of(""));
}

TEST(Base64, KnowsThePublishedVectorsBothWays) {
  const std::vector<std::pair<std::string, std::string>> vectors{{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(encode_base64(plain), encoded);
    EXPECT_EQ(decode_base64(encoded), plain);
  }
  EXPECT_EQ(decode_base64("Zg"), "f");
  for (const auto* wrong : {"Z", "Zm9v!", "Zm 9v", "Zg==Zg==", "Z===="}) EXPECT_FALSE(decode_base64(wrong)) << wrong;
}

}  // namespace
}  // namespace tank::image
