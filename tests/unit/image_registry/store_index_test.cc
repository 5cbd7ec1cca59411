#include "image/store_index.h"

#include <gtest/gtest.h>

namespace tank::image {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

Entry entry(const std::string& reference, char digit) {
  const Digest digest = *parse_digest("sha256:" + std::string(64, digit));
  return {{std::string(kOciManifest), digest, 7, Platform{"linux", "amd64", ""}, {}}, reference, kDigest};
}

TEST(StoreIndex, ReplacesTheEntryOfTheSameReference) {
  std::string text = R"({"schemaVersion":2,"manifests":[]})";
  text = *with_entry(text, entry("r/a:1", 'b'));
  text = *with_entry(text, entry("r/b:1", 'c'));
  text = *with_entry(text, entry("r/a:1", 'd'));
  const std::vector<Entry> entries = *parse_store_index(text);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].reference, "r/b:1");
  EXPECT_EQ(entries[1].reference, "r/a:1");
  EXPECT_EQ(entries[1].manifest.digest.hex()[0], 'd');
  EXPECT_EQ(entries[1].source, kDigest);
}

TEST(StoreIndex, KeepsWhatOtherToolsWrote) {
  const std::string foreign =
      R"({"schemaVersion":2,"annotations":{"x":"y"},"manifests":[{"mediaType":"application/x","digest":")" + kDigest +
      R"(","size":3,"artifactType":"z"}]})";
  const std::string text = *without_entries(*with_entry(foreign, entry("r/a:1", 'b')),
                                            [](const Entry& one) { return one.reference == "r/a:1"; });
  EXPECT_NE(text.find(R"("artifactType":"z")"), std::string::npos);
  EXPECT_NE(text.find(R"("annotations":{"x":"y"})"), std::string::npos);
  EXPECT_EQ(parse_store_index(text)->size(), 1U);
}

TEST(StoreIndex, RefusesBrokenText) {
  for (const auto* wrong : {"", "{", "[]", R"({"manifests":{}})", R"({"manifests":[{}]})", R"({"schemaVersion":2})"}) {
    const auto entries = parse_store_index(wrong);
    ASSERT_FALSE(entries) << wrong;
    EXPECT_EQ(entries.error().kind(), Kind::corrupt);
  }
}

}  // namespace
}  // namespace tank::image
