#include "image/config.h"

#include <gtest/gtest.h>

namespace tank::image {
namespace {

const std::string kDiff = "sha256:" + std::string(64, 'c');

std::string config(const std::string& settings) {
  return R"({"os":"linux","architecture":"amd64","config":)" + settings +
         R"(,"rootfs":{"type":"layers","diff_ids":[")" + kDiff + R"("]}})";
}

TEST(ParseImageConfig, ReadsWhatARunNeeds) {
  const Result<ImageConfig> read = parse_image_config(config(
      R"({"User":"1000:100","Env":["A=b","C="],"Entrypoint":["/e"],"Cmd":["x","y"],"WorkingDir":"/w","StopSignal":"SIGQUIT","Labels":{"k":"v"},"Volumes":{"/b":{},"/a":{}},"ExposedPorts":{"80/tcp":{}}})"));
  ASSERT_TRUE(read) << read.error().sentence();
  EXPECT_EQ(read->user, "1000:100");
  EXPECT_EQ(read->env, (std::vector<std::string>{"A=b", "C="}));
  EXPECT_EQ(read->entrypoint, (std::vector<std::string>{"/e"}));
  EXPECT_EQ(read->cmd, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(read->working_dir, "/w");
  EXPECT_EQ(read->stop_signal, "SIGQUIT");
  EXPECT_EQ(read->labels.at("k"), "v");
  EXPECT_EQ(read->volumes, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(read->diff_ids, (std::vector<std::string>{kDiff}));
}

TEST(ParseImageConfig, TakesNullsAsAbsent) {
  EXPECT_TRUE(parse_image_config(config(R"({"Env":null,"Cmd":null,"Volumes":null,"Labels":null,"User":null})")));
  EXPECT_TRUE(parse_image_config(config("null")));
  EXPECT_TRUE(parse_image_config(R"({"rootfs":{"type":"layers","diff_ids":null}})")) << "an image without layers";
}

TEST(ParseImageConfig, RefusesOtherTypesAndNulBytes) {
  for (const std::string& wrong :
       {config(R"({"Cmd":"sh"})"), config(R"({"Env":[1]})"), config(R"({"Env":{"A":"b"}})"), config(R"({"User":0})"),
        config(R"({"Labels":{"a":1}})"), config(R"({"Volumes":["/a"]})"), config(R"({"Cmd":["a\u0000b"]})"),
        config(R"({"User":"\u0000"})"), config("[]"), std::string("{}"), std::string("[]"),
        std::string(R"({"rootfs":{"type":"squash","diff_ids":[]}})"),
        std::string(R"({"rootfs":{"type":"layers","diff_ids":["sha256:../x"]}})"),
        std::string(R"({"rootfs":{"type":"layers","diff_ids":[1]}})")}) {
    const Result<ImageConfig> read = parse_image_config(wrong);
    ASSERT_FALSE(read) << wrong;
    EXPECT_EQ(read.error().kind(), Kind::corrupt);
  }
}

TEST(CheckPlatform, RefusesImagesForOthers) {
  ImageConfig image;
  image.os = "linux";
  image.architecture = "arm64";
  EXPECT_FALSE(check_platform(image, platform_of_machine("x86_64")));
  EXPECT_TRUE(check_platform(image, platform_of_machine("aarch64")));
  image.architecture = "amd64";
  EXPECT_TRUE(check_platform(image, platform_of_machine("x86_64")));
  image.os = "windows";
  EXPECT_FALSE(check_platform(image, platform_of_machine("x86_64")));
}

}  // namespace
}  // namespace tank::image
