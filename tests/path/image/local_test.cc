#include <sys/stat.h>

#include "path/image/check_store.h"
#include "path/image/child.h"
#include "path/image/fixture.h"

namespace tank::image {
namespace {

class LocalImage : public ImagePath {
 protected:
  Result<Image> take(const std::string& text, PullPolicy policy = PullPolicy::if_not_present) {
    return ensure(data(), text, policy, options, impatient());
  }
  std::string file(const std::string& name) const { return (directory.path() / name).native(); }
};

TEST_F(LocalImage, TakesALayout) {
  small_image().write_layout(file("layout"), "one");
  for (const std::string& text : {"oci:" + file("layout") + ":one", "oci:" + file("layout")}) {
    for (int i = 0; i < 2; ++i) {
      const Result<Image> image = take(text);
      ASSERT_TRUE(image) << image.error().sentence();
      EXPECT_EQ(slurp(image->layers.at(1) / "etc/two"), "2");
      EXPECT_EQ(image->digest, test::digest_of(small_image().manifest_json()));
    }
  }
  EXPECT_EQ(fault_of_store(data()), "");
}

TEST_F(LocalImage, ALayoutThatChangedIsSeen) {
  small_image().write_layout(file("layout"), "one");
  ASSERT_TRUE(take("oci:" + file("layout") + ":one"));
  std::filesystem::remove_all(file("layout"));
  small_image().layer(TarBuilder().file("x", "x")).write_layout(file("layout"), "one");
  const Result<Image> image = take("oci:" + file("layout") + ":one");
  ASSERT_TRUE(image) << image.error().sentence();
  EXPECT_EQ(image->layers.size(), 3U);
  EXPECT_EQ(list_images(data())->size(), 1U);
}

TEST_F(LocalImage, ChoosesFromAnIndexInALayout) {
  ImageBuilder other = small_image();
  other.platform("s390x");
  ImageBuilder::write_index_layout(file("layout"), "multi", {other, small_image()});
  const Result<Image> image = take("oci:" + file("layout") + ":multi");
  ASSERT_TRUE(image) << image.error().sentence();
  EXPECT_EQ(image->config.architecture, "amd64");
}

TEST_F(LocalImage, AsksWhichWhenThereAreSeveral) {
  small_image().write_layout(file("layout"), "one");
  ImageBuilder().cmd({"/x"}).write_layout(file("layout"), "two");
  const std::string why = failure(take("oci:" + file("layout")));
  EXPECT_EQ(why.substr(0, 8), "invalid:");
  EXPECT_NE(why.find("'one', 'two'"), std::string::npos) << why;
  EXPECT_EQ(failure(take("oci:" + file("layout") + ":three")).substr(0, 10), "not_found:");
  EXPECT_TRUE(take("oci:" + file("layout") + ":two"));
}

TEST_F(LocalImage, TakesArchivesPlainAndCompressed) {
  small_image().write_oci_archive(file("oci.tar"), "one");
  ImageBuilder()
      .layer(TarBuilder().directory("etc").file("etc/one", "1"), test::Packing::plain)
      .layer(TarBuilder().file("big", noise(300000)), test::Packing::plain)
      .write_docker_archive(file("docker.tar"), "example.org/a:1");
  ASSERT_EQ(test::run({"gzip", "-k", file("oci.tar")}), "");
  ASSERT_EQ(test::run({"zstd", "-q", file("docker.tar")}), "");
  for (const std::string& text :
       {"oci-archive:" + file("oci.tar"), "oci-archive:" + file("oci.tar") + ":one",
        "oci-archive:" + file("oci.tar.gz"), "docker-archive:" + file("docker.tar"),
        "docker-archive:" + file("docker.tar") + ":example.org/a:1", "docker-archive:" + file("docker.tar.zst")}) {
    for (int i = 0; i < 2; ++i) {
      const Result<Image> image = take(text);
      ASSERT_TRUE(image) << text << image.error().sentence();
      EXPECT_EQ(slurp(image->layers.at(0) / "etc/one"), "1");
      EXPECT_EQ(slurp(image->layers.at(1) / "big"), noise(300000));
    }
  }
  EXPECT_EQ(fault_of_store(data()), "");
}

TEST_F(LocalImage, TakesWhatSkopeoWrites) {
  small_image().write_layout(file("layout"), "one");
  for (const std::string& kind : {std::string("docker-archive"), std::string("oci-archive")}) {
    const std::string target = kind + ":" + file(kind + ".tar") + ":example.org/a:1";
    ASSERT_EQ(test::run({"skopeo", "--insecure-policy", "copy", "oci:" + file("layout") + ":one", target}), "");
    const Result<Image> image = take(target);
    ASSERT_TRUE(image) << kind << image.error().sentence();
    EXPECT_EQ(slurp(image->layers.at(1) / "etc/two"), "2");
    const auto loaded = load_images(data(), file(kind + ".tar"), "", options);
    ASSERT_TRUE(loaded) << loaded.error().sentence();
    EXPECT_EQ(*loaded, (std::vector<std::string>{"example.org/a:1"}));
  }
}

TEST_F(LocalImage, RefusesDamagedOnes) {
  small_image().write_layout(file("layout"), "one");
  for (const auto& [digest, bytes] : small_image().blobs()) {
    const auto blob = std::filesystem::path(file("layout")) / "blobs/sha256" / digest.substr(7);
    const std::string sound = slurp(blob);
    std::string wrong = sound;
    wrong[wrong.size() / 2] = static_cast<char>(wrong[wrong.size() / 2] ^ 1);
    for (const std::string& content : {wrong, sound.substr(1), sound + "x", std::string()}) {
      std::ofstream(blob, std::ios::binary) << content;
      EXPECT_EQ(failure(take("oci:" + file("layout") + ":one")).substr(0, 8), "corrupt:") << digest;
      EXPECT_EQ(fault_of_store(data()), "");
      std::filesystem::remove_all(data());
    }
    std::ofstream(blob, std::ios::binary) << sound;
  }
  EXPECT_TRUE(take("oci:" + file("layout") + ":one"));
}

TEST_F(LocalImage, RefusesWhatIsNoImage) {
  std::filesystem::create_directories(file("empty"));
  std::ofstream(file("text")) << "hello";
  small_image().write_oci_archive(file("oci.tar"), "one");
  std::ofstream(file("cut.tar"), std::ios::binary) << slurp(file("oci.tar")).substr(0, 5000);
  ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
  for (const std::string& text :
       {"oci:" + file("empty"), "oci:" + file("missing"), "oci:" + file("text"), "oci-archive:" + file("text"),
        "oci-archive:" + file("missing"), "oci-archive:" + file("empty"), "oci-archive:" + file("fifo"),
        "docker-archive:" + file("oci.tar"), "oci-archive:" + file("cut.tar"),
        std::string("docker-archive:/dev/zero")}) {
    EXPECT_FALSE(take(text)) << text;
  }
}

TEST_F(LocalImage, ALayoutCannotReachOutOfItsDirectory) {
  small_image().write_layout(file("layout"), "one");
  const auto index = std::filesystem::path(file("layout")) / "index.json";
  std::filesystem::rename(index, file("outside"));
  std::filesystem::create_symlink(file("outside"), index);
  EXPECT_FALSE(take("oci:" + file("layout") + ":one"));
  std::filesystem::remove(index);
  ASSERT_EQ(::mkfifo(index.c_str(), 0600), 0);
  EXPECT_FALSE(take("oci:" + file("layout") + ":one")) << "and a fifo does not block";
}

TEST_F(LocalImage, ARootfsIsUsedInPlace) {
  std::filesystem::create_directories(file("root"));
  const Result<Image> image = take("rootfs:" + file("root"), PullPolicy::never);
  ASSERT_TRUE(image) << image.error().sentence();
  EXPECT_EQ(image->layers, (std::vector<std::filesystem::path>{file("root")}));
  EXPECT_TRUE(image->digest.empty());
  EXPECT_FALSE(std::filesystem::exists(data()));
  std::ofstream(file("plain")) << "";
  EXPECT_EQ(failure(take("rootfs:" + file("plain"))).substr(0, 8), "invalid:");
  EXPECT_EQ(failure(take("rootfs:" + file("missing"))).substr(0, 10), "not_found:");
}

TEST_F(LocalImage, LoadsUnderANameOfOnesOwn) {
  small_image().write_oci_archive(file("oci.tar"), "one");
  EXPECT_EQ(load_images(data(), file("oci.tar"), "", options).error().kind(), Kind::invalid) << "a bare tag is no name";
  const auto loaded = load_images(data(), file("oci.tar"), "mine", options);
  ASSERT_TRUE(loaded) << loaded.error().sentence();
  EXPECT_EQ(*loaded, (std::vector<std::string>{"docker.io/library/mine:latest"}));
  EXPECT_TRUE(take("mine", PullPolicy::never));
  EXPECT_EQ(load_images(data(), file("oci.tar"), "Bad Name", options).error().kind(), Kind::invalid);
  EXPECT_EQ(load_images(data(), file("missing"), "", options).error().kind(), Kind::not_found);
  EXPECT_EQ(load_images(data(), "nginx:1", "", options).error().kind(), Kind::invalid);
  std::ofstream(file("text")) << "hello";
  EXPECT_FALSE(load_images(data(), file("text"), "a", options));
}

}  // namespace
}  // namespace tank::image
