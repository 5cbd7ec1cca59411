#include "image/manifest.h"

#include <gtest/gtest.h>

namespace tank::image {
namespace {

const std::string kHex(64, 'a');
const std::string kOtherHex(64, 'b');

std::string descriptor(const std::string& type, const std::string& hex, const std::string& rest = "") {
  return R"({"mediaType":")" + type + R"(","digest":"sha256:)" + hex + R"(","size":7)" + rest + "}";
}

const std::string kConfig = descriptor("application/vnd.oci.image.config.v1+json", kHex);
const std::string kLayer = descriptor("application/vnd.oci.image.layer.v1.tar+gzip", kOtherHex);

std::string manifest(const std::string& extra = "") {
  return R"({"schemaVersion":2)" + extra + R"(,"config":)" + kConfig + R"(,"layers":[)" + kLayer + "]}";
}

std::string platform(const std::string& os, const std::string& architecture, const std::string& variant = "") {
  return R"(,"platform":{"os":")" + os + R"(","architecture":")" + architecture + R"(","variant":")" + variant +
         R"("})";
}

std::string entry(char digit, const std::string& rest) {
  return descriptor(std::string(kOciManifest), std::string(64, digit), rest);
}

ImageIndex index_of(const std::string& entries) {
  const Result<Document> document = parse_document(R"({"schemaVersion":2,"manifests":[)" + entries + "]}", kOciIndex);
  EXPECT_TRUE(document) << document.error().sentence();
  return std::get<ImageIndex>(*document);
}

char chosen(const ImageIndex& index, const Platform& host) {
  const Result<Descriptor> found = select_manifest(index, host);
  return found ? found->digest.hex()[0] : '-';
}

TEST(ParseDocument, ReadsAManifest) {
  const Result<Document> document = parse_document(manifest(), kOciManifest);
  ASSERT_TRUE(document) << document.error().sentence();
  const auto& read = std::get<ImageManifest>(*document);
  EXPECT_EQ(read.config.digest.hex(), kHex);
  ASSERT_EQ(read.layers.size(), 1U);
  EXPECT_EQ(read.layers[0].digest.hex(), kOtherHex);
  EXPECT_EQ(read.layers[0].size, 7U);
}

TEST(ParseDocument, TakesGenericTypesAndParametersAndNulls) {
  EXPECT_TRUE(parse_document(manifest(), "application/json; charset=utf-8"));
  EXPECT_TRUE(parse_document(manifest(), ""));
  EXPECT_TRUE(
      parse_document(manifest(R"(,"annotations":null,"subject":null)"), std::string(kOciManifest) + "; charset=utf-8"));
}

TEST(ParseDocument, RefusesManifestsThatAreIndexesToo) {
  for (const std::string_view type : {kOciManifest, kOciIndex, kDockerManifest, kDockerList, std::string_view()}) {
    for (const char* extra : {R"(,"manifests":[])", R"(,"manifests":null)"}) {
      const Result<Document> document = parse_document(manifest(extra), type);
      ASSERT_FALSE(document);
      EXPECT_EQ(document.error().kind(), Kind::corrupt);
      EXPECT_NE(document.error().sentence().find("CVE-2021-41190"), std::string::npos);
    }
  }
}

TEST(ParseDocument, RefusesATypeThatIsNotWhatWasSent) {
  const auto says = [](std::string_view type) { return manifest(R"(,"mediaType":")" + std::string(type) + R"(")"); };
  EXPECT_TRUE(parse_document(says(kOciManifest), kOciManifest));
  for (const auto& [body, header] :
       std::vector<std::pair<std::string, std::string_view>>{{says(kOciManifest), kDockerManifest},
                                                             {says(kOciIndex), kOciManifest},
                                                             {says(kOciIndex), kOciIndex},
                                                             {manifest(), kOciIndex},
                                                             {R"({"schemaVersion":2,"manifests":[]})", kOciManifest}}) {
    const Result<Document> document = parse_document(body, header);
    ASSERT_FALSE(document) << body << header;
    EXPECT_EQ(document.error().kind(), Kind::corrupt);
  }
}

TEST(ParseDocument, NamesWhatItDoesNotTake) {
  const std::vector<std::pair<std::string, std::string_view>> table{
      {R"({"schemaVersion":1,"fsLayers":[]})", "application/vnd.docker.distribution.manifest.v1+prettyjws"},
      {R"({"schemaVersion":1,"fsLayers":[]})", ""},
      {manifest(R"(,"mediaType":"application/x-other")"), "application/x-other"},
      {R"({"schemaVersion":2,"config":)" + descriptor("application/vnd.wasm.config.v1+json", kHex) + R"(,"layers":[]})",
       kOciManifest},
      {R"({"schemaVersion":2,"config":)" + kConfig + R"(,"layers":[)" +
           descriptor("application/vnd.oci.image.layer.v1.tar+encrypted", kHex) + "]}",
       kOciManifest},
  };
  for (const auto& [body, type] : table) {
    const Result<Document> document = parse_document(body, type);
    ASSERT_FALSE(document) << body;
    EXPECT_EQ(document.error().kind(), Kind::unsupported) << document.error().sentence();
  }
}

TEST(ParseDocument, RefusesBrokenDocuments) {
  const auto with_layer = [](const std::string& layer) {
    return R"({"schemaVersion":2,"config":)" + kConfig + R"(,"layers":[)" + layer + "]}";
  };
  const std::string type = R"("mediaType":"application/vnd.oci.image.layer.v1.tar")";
  const std::string digest = R"("digest":"sha256:)" + kHex + R"(")";
  for (const std::string& wrong :
       {std::string(), std::string("[]"), std::string("{"), std::string(R"({"schemaVersion":2})"),
        std::string(R"({"schemaVersion":3,"manifests":[]})"), std::string(R"({"schemaVersion":"2","manifests":[]})"),
        manifest() + "x", std::string(R"({"schemaVersion":2,"layers":[]})"), with_layer("7"), with_layer("{}"),
        with_layer("{" + type + "," + digest + "}"), with_layer("{" + type + "," + digest + R"(,"size":-1})"),
        with_layer("{" + type + "," + digest + R"(,"size":1.5})"),
        with_layer("{" + type + "," + digest + R"(,"size":"1"})"),
        with_layer("{" + type + "," + digest + R"(,"size":18446744073709551615})"),
        with_layer("{" + type + R"(,"digest":"sha256:../../x","size":1})"),
        with_layer("{" + type + R"(,"digest":7,"size":1})"), std::string(100000, '['),
        R"({"schemaVersion":2,"a":)" + std::string(40, '[') + std::string(40, ']') + "}"}) {
    const Result<Document> document = parse_document(wrong, kOciManifest);
    ASSERT_FALSE(document) << wrong;
    EXPECT_EQ(document.error().kind(), Kind::corrupt) << document.error().sentence();
  }
}

TEST(ParseDocument, LimitsTheNumberOfLayers) {
  std::string layers = kLayer;
  for (int i = 0; i < 500; ++i) layers += "," + kLayer;
  const Result<Document> document =
      parse_document(R"({"schemaVersion":2,"config":)" + kConfig + R"(,"layers":[)" + layers + "]}", kOciManifest);
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().kind(), Kind::unsupported);
}

TEST(SelectManifest, PrefersTheBestVariantThatRuns) {
  const ImageIndex arm =
      index_of(entry('5', platform("linux", "arm", "v5")) + "," + entry('7', platform("linux", "arm", "v7")) + "," +
               entry('6', platform("linux", "arm", "v6")) + "," + entry('8', platform("linux", "arm64", "v8")));
  EXPECT_EQ(chosen(arm, platform_of_machine("armv7l")), '7');
  EXPECT_EQ(chosen(arm, platform_of_machine("armv6l")), '6');
  EXPECT_EQ(chosen(arm, platform_of_machine("aarch64")), '8');
  EXPECT_EQ(chosen(arm, platform_of_machine("x86_64")), '-');
  const ImageIndex x86 =
      index_of(entry('3', platform("linux", "amd64", "v3")) + "," + entry('1', platform("linux", "amd64")) + "," +
               entry('e', platform("windows", "amd64")));
  EXPECT_EQ(chosen(x86, platform_of_machine("x86_64")), '1');
}

TEST(SelectManifest, SkipsAttestationsAndForeignKinds) {
  const ImageIndex index =
      index_of(entry('a', platform("unknown", "unknown")) + "," +
               entry('b', platform("linux", "amd64") +
                              R"(,"annotations":{"vnd.docker.reference.type":"attestation-manifest"})") +
               "," + descriptor("application/vnd.oci.image.index.v1+json", kHex, platform("linux", "amd64")) + "," +
               entry('d', platform("linux", "amd64")));
  EXPECT_EQ(chosen(index, platform_of_machine("x86_64")), 'd');
}

TEST(SelectManifest, TakesAnUnnamedPlatformLast) {
  EXPECT_EQ(chosen(index_of(entry('a', "")), platform_of_machine("x86_64")), 'a');
  EXPECT_EQ(
      chosen(index_of(entry('a', "") + "," + entry('b', platform("linux", "amd64"))), platform_of_machine("x86_64")),
      'b');
}

TEST(SelectManifest, NamesWhatIsOffered) {
  const Result<Descriptor> found = select_manifest(
      index_of(entry('a', platform("linux", "s390x")) + "," + entry('b', platform("unknown", "unknown"))),
      platform_of_machine("x86_64"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind(), Kind::unsupported);
  EXPECT_EQ(found.error().sentence(), "the image is not offered for linux/amd64/v1, only for linux/s390x");
}

TEST(DigestsIn, FindsThemAtAnyDepth) {
  EXPECT_EQ(digests_in(manifest()).size(), 2U);
  EXPECT_TRUE(digests_in("no json").empty());
}

}  // namespace
}  // namespace tank::image
