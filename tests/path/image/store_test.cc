#include <sys/file.h>
#include <sys/stat.h>

#include <thread>

#include "path/image/check_store.h"
#include "path/image/child.h"
#include "path/image/fixture.h"

namespace tank::image {
namespace {

TEST_F(ImagePath, TheStoreIsALayoutThatOthersRead) {
  serve(small_image());
  ASSERT_TRUE(ensure_it());
  const std::string source = "oci:" + (data() / "images").native() + ":" + reference();
  EXPECT_EQ(test::run({"skopeo", "--insecure-policy", "copy", source, "dir:" + (directory.path() / "out").native()}),
            "");
  EXPECT_EQ(slurp(directory.path() / "out/manifest.json"), small_image().manifest_json());
  EXPECT_EQ(fault_of_store(data()), "");
}

TEST_F(ImagePath, TheDataDirectoryIsPrivate) {
  serve(small_image());
  ASSERT_TRUE(ensure_it());
  for (const auto& path : {data(), data() / "images", data() / "images/partial"}) {
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0700U) << path;
  }
}

TEST_F(ImagePath, ListsAndInspects) {
  serve(small_image());
  ASSERT_TRUE(ensure_it());
  const auto images = list_images(data());
  ASSERT_TRUE(images);
  ASSERT_EQ(images->size(), 1U);
  const StoredImage& image = images->front();
  EXPECT_EQ(image.reference, reference());
  EXPECT_EQ(image.platform, "linux/amd64");
  EXPECT_GT(image.size, 300000U);
  for (const std::string& name : {reference(), image.digest, image.id, image.id.substr(7), image.id.substr(7, 8)}) {
    const auto details = inspect_image(data(), name);
    ASSERT_TRUE(details) << name << details.error().sentence();
    EXPECT_EQ(details->layers.size(), 2U);
    EXPECT_EQ(details->config_json, small_image().config_json());
    EXPECT_TRUE(details->layers[0].unpacked);
  }
  for (const std::string& name :
       {std::string("missing"), image.id.substr(7, 3), std::string(), std::string("sha256:")}) {
    EXPECT_EQ(inspect_image(data(), name).error().kind(), Kind::not_found) << name;
  }
}

TEST_F(ImagePath, AnEmptyDirectoryHoldsNothing) {
  EXPECT_TRUE(list_images(data())->empty());
  EXPECT_EQ(inspect_image(data(), "a").error().kind(), Kind::not_found);
  EXPECT_EQ(remove_image(data(), "a", {}).error().kind(), Kind::not_found);
  EXPECT_FALSE(std::filesystem::exists(data()));
}

TEST_F(ImagePath, RemovesWhatNoOtherImageNeeds) {
  ImageBuilder more = small_image();
  more.layer(TarBuilder().file("more", "m"));
  serve(small_image(), "1");
  serve(more, "2");
  ASSERT_TRUE(ensure_it(PullPolicy::always, "1"));
  const Image second = *ensure_it(PullPolicy::always, "2");
  const auto removed = remove_image(data(), reference("2"), {});
  ASSERT_TRUE(removed) << removed.error().sentence();
  EXPECT_EQ(removed->blobs, 3U) << "manifest, config and one layer";
  EXPECT_EQ(removed->layers, 1U);
  EXPECT_TRUE(std::filesystem::exists(second.layers[1]));
  EXPECT_FALSE(std::filesystem::exists(second.layers[2]));
  EXPECT_EQ(fault_of_store(data()), "");
  ASSERT_TRUE(ensure_it(PullPolicy::never, "1"));
  ASSERT_TRUE(remove_image(data(), reference("1"), {}));
  EXPECT_TRUE(list_images(data())->empty());
  EXPECT_TRUE(std::filesystem::is_empty(data() / "images/blobs/sha256"));
  EXPECT_FALSE(std::filesystem::exists(second.layers[0]));
}

TEST_F(ImagePath, AnImageInUseStays) {
  serve(small_image());
  const Image image = *ensure_it();
  const auto in_use = [&](const std::filesystem::path& path) { return path == image.layers[1]; };
  const auto removed = remove_image(data(), reference(), in_use);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().kind(), Kind::busy);
  EXPECT_TRUE(ensure_it(PullPolicy::never));
}

TEST_F(ImagePath, TwoNamesOfOneImageAreRemovedTogetherByDigest) {
  serve(small_image(), "1");
  serve(small_image(), "2");
  ASSERT_TRUE(ensure_it(PullPolicy::always, "1"));
  const Image image = *ensure_it(PullPolicy::always, "2");
  const auto first = remove_image(data(), reference("1"), {});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->blobs, 0U);
  EXPECT_TRUE(ensure_it(PullPolicy::never, "2"));
  ASSERT_TRUE(ensure_it(PullPolicy::always, "1"));
  const auto both = remove_image(data(), image.digest, {});
  ASSERT_TRUE(both) << both.error().sentence();
  EXPECT_EQ(both->references.size(), 2U);
}

TEST_F(ImagePath, RemovalDuringAPullTakesTheNameOnly) {
  serve(small_image(), "1");
  ASSERT_TRUE(ensure_it(PullPolicy::always, "1"));
  ImageBuilder more = small_image();
  more.layer(TarBuilder().file("slow", noise(1000, 9)));
  serve(more, "2");
  const std::string slow = test::digest_of("");
  std::string last;
  for (const auto& [digest, bytes] : more.blobs()) {
    if (small_image().blobs().count(digest) == 0 && digest != test::digest_of(more.manifest_json()) &&
        digest != test::digest_of(more.config_json())) {
      last = digest;
    }
  }
  // The new layer comes only after the other image is removed: what both share must still be there then.
  Result<RemovedImage> removed = Error(Kind::bug, "not removed");
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target.find(last) != std::string::npos) removed = remove_image(data(), reference("1"), {});
    return std::nullopt;
  });
  const Result<Image> pulled = ensure_it(PullPolicy::always, "2");
  ASSERT_TRUE(pulled) << pulled.error().sentence();
  ASSERT_TRUE(removed) << removed.error().sentence();
  EXPECT_EQ(removed->blobs, 0U);
  EXPECT_EQ(list_images(data())->size(), 1U);
  EXPECT_EQ(fault_of_store(data()), "");
}

TEST_F(ImagePath, ADamagedIndexIsAnErrorAndStays) {
  serve(small_image());
  ASSERT_TRUE(ensure_it());
  std::ofstream(data() / "images/index.json") << "{";
  for (const PullPolicy policy : {PullPolicy::never, PullPolicy::if_not_present, PullPolicy::always}) {
    EXPECT_EQ(failure(ensure_it(policy)).substr(0, 8), "corrupt:");
  }
  EXPECT_EQ(list_images(data()).error().kind(), Kind::corrupt);
  EXPECT_EQ(slurp(data() / "images/index.json"), "{");
}

TEST_F(ImagePath, OldPartialFilesAreSweptUnlessSomebodyWritesThem) {
  serve(small_image());
  const auto partial = data() / "images/partial";
  std::filesystem::create_directories(partial);
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(48);
  for (const auto* name : {"sha256-old", "sha256-living", "sha256-young"}) std::ofstream(partial / name) << "x";
  std::filesystem::last_write_time(partial / "sha256-old", old);
  std::filesystem::last_write_time(partial / "sha256-living", old);
  const int living = ::open((partial / "sha256-living").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(living, LOCK_EX), 0);
  ASSERT_TRUE(ensure_it());
  EXPECT_FALSE(std::filesystem::exists(partial / "sha256-old"));
  EXPECT_TRUE(std::filesystem::exists(partial / "sha256-living"));
  EXPECT_TRUE(std::filesystem::exists(partial / "sha256-young"));
  ::close(living);
}

TEST_F(ImagePath, TwoProcessesShareTheWork) {
  serve(small_image());
  {
    test::Child one({PULL_ONCE, data().native(), reference()});
    test::Child two({PULL_ONCE, data().native(), reference()});
    EXPECT_EQ(one.wait(), 0) << one.said();
    EXPECT_EQ(two.wait(), 0) << two.said();
  }
  for (const auto& [digest, bytes] : small_image().blobs())
    EXPECT_LE(fake.count("GET", "/blobs/" + digest), 1U) << digest;
  EXPECT_EQ(fault_of_store(data()), "");
}

}  // namespace
}  // namespace tank::image
