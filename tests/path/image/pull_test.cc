#include <atomic>
#include <set>
#include <thread>

#include "path/image/fixture.h"

namespace tank::image {
namespace {

bool is_blob(const FakeRequest& request) { return request.target.find("/blobs/") != std::string::npos; }

std::string biggest_blob(const ImageBuilder& image) {
  std::string found;
  std::size_t size = 0;
  for (const auto& [digest, bytes] : image.blobs()) {
    if (bytes.size() > size) {
      size = bytes.size();
      found = digest;
    }
  }
  return found;
}

TEST_F(ImagePath, PullsAnImageAndUnpacksIt) {
  serve(small_image());
  const Result<Image> image = ensure_it();
  ASSERT_TRUE(image) << image.error().sentence();
  ASSERT_EQ(image->layers.size(), 2U);
  EXPECT_EQ(slurp(image->layers[0] / "etc/one"), "1");
  EXPECT_EQ(slurp(image->layers[1] / "etc/two"), "2");
  EXPECT_EQ(image->digest, test::digest_of(small_image().manifest_json()));
  EXPECT_EQ(image->id, test::digest_of(small_image().config_json()));
  EXPECT_EQ(image->config.cmd, (std::vector<std::string>{"/bin/true"}));
  EXPECT_EQ(image->reference, reference());
  EXPECT_TRUE(partials().empty());
}

TEST_F(ImagePath, ACachedImageNeedsNoNetwork) {
  serve(small_image());
  ASSERT_TRUE(ensure_it());
  const std::size_t before = fake.requests().size();
  for (const PullPolicy policy : {PullPolicy::if_not_present, PullPolicy::never}) {
    const Result<Image> image = ensure_it(policy);
    ASSERT_TRUE(image) << image.error().sentence();
    EXPECT_EQ(image->layers.size(), 2U);
  }
  EXPECT_EQ(fake.requests().size(), before);
}

TEST_F(ImagePath, NeverMeansNever) {
  serve(small_image());
  EXPECT_NE(failure(ensure_it(PullPolicy::never)).find("not_found: image"), std::string::npos);
  EXPECT_NE(failure(ensure_it(PullPolicy::never)).find("pull policy is Never"), std::string::npos);
  EXPECT_TRUE(fake.requests().empty());
  EXPECT_FALSE(std::filesystem::exists(data()));
}

TEST_F(ImagePath, AlwaysAsksButFetchesOnlyWhatChanged) {
  serve(small_image());
  ASSERT_TRUE(ensure_it());
  const std::size_t blobs = fake.count("GET", "/blobs/");
  ASSERT_TRUE(ensure_it(PullPolicy::always));
  EXPECT_EQ(fake.count("HEAD", "/manifests/1"), 1U);
  EXPECT_EQ(fake.count("GET", "/blobs/"), blobs);

  ImageBuilder next = small_image();
  next.layer(TarBuilder().file("new", "n"));
  serve(next);
  EXPECT_EQ(ensure_it(PullPolicy::if_not_present)->layers.size(), 2U);
  const Result<Image> image = ensure_it(PullPolicy::always);
  ASSERT_TRUE(image) << image.error().sentence();
  EXPECT_EQ(image->layers.size(), 3U);
  EXPECT_EQ(fake.count("GET", "/blobs/"), blobs + 2) << "one new layer and one new config";
  EXPECT_EQ(list_images(data())->size(), 1U);
}

TEST_F(ImagePath, AlwaysFailsWhenTheRegistryIsGone) {
  serve(small_image());
  ASSERT_TRUE(ensure_it());
  fake.set_hook([](const FakeRequest&) { return FakeReply{503, {}, "", {}, {}}; });
  EXPECT_EQ(failure(ensure_it(PullPolicy::always)).substr(0, 12), "unavailable:");
}

TEST_F(ImagePath, ADigestIsHonouredBesideATag) {
  serve(small_image());
  const std::string digest = ensure_it()->digest;
  const std::string pinned = fake.host() + "/a/b:other@" + digest;
  const std::size_t before = fake.requests().size();
  EXPECT_TRUE(ensure(data(), pinned, PullPolicy::never, options, impatient()));
  EXPECT_EQ(fake.requests().size(), before);
  const std::string wrong = fake.host() + "/a/b:1@sha256:" + std::string(64, '0');
  EXPECT_EQ(failure(ensure(data(), wrong, PullPolicy::never, options, impatient())).substr(0, 10), "not_found:");
}

TEST_F(ImagePath, ChoosesThisMachinesImageFromAnIndex) {
  ImageBuilder other = small_image();
  other.platform("s390x");
  const ImageBuilder own = small_image();
  serve(own);
  const auto line = [](const ImageBuilder& image, const std::string& architecture) {
    const std::string manifest = image.manifest_json();
    return R"({"mediaType":")" + std::string(kOciManifest) + R"(","digest":")" + test::digest_of(manifest) +
           R"(","size":)" + std::to_string(manifest.size()) + R"(,"platform":{"os":"linux","architecture":")" +
           architecture + R"("}})";
  };
  const std::string index =
      R"({"schemaVersion":2,"manifests":[)" + line(other, "s390x") + "," + line(own, "amd64") + "]}";
  fake.add_manifest("multi", test::digest_of(index), index, std::string(kOciIndex));
  const Result<Image> image = ensure_it(PullPolicy::if_not_present, "multi");
  ASSERT_TRUE(image) << image.error().sentence();
  EXPECT_EQ(image->digest, test::digest_of(own.manifest_json()));
  // Found again by the index's digest, without network.
  const std::string pinned = fake.host() + "/a/b@" + test::digest_of(index);
  EXPECT_TRUE(ensure(data(), pinned, PullPolicy::never, options, impatient()));

  const std::string foreign = R"({"schemaVersion":2,"manifests":[)" + line(other, "s390x") + "]}";
  fake.add_manifest("foreign", test::digest_of(foreign), foreign, std::string(kOciIndex));
  const std::string why = failure(ensure_it(PullPolicy::if_not_present, "foreign"));
  EXPECT_EQ(why.substr(0, 12), "unsupported:");
  EXPECT_NE(why.find("linux/s390x"), std::string::npos) << why;
}

TEST_F(ImagePath, ResumesABrokenBlobWhereItStopped) {
  const ImageBuilder image = small_image();
  serve(image);
  const std::string big = biggest_blob(image);
  std::atomic<int> cuts{0};
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target.find(big) == std::string::npos || cuts >= 3) return std::nullopt;
    ++cuts;
    FakeReply reply = fake.usual(request);
    reply.cut_after = 70000;
    return reply;
  });
  const Result<Image> pulled = ensure_it();
  ASSERT_TRUE(pulled) << pulled.error().sentence();
  std::vector<std::string> ranges;
  for (const FakeRequest& request : fake.requests()) {
    if (request.target.find(big) != std::string::npos) ranges.push_back(request.header("range"));
  }
  EXPECT_EQ(ranges, (std::vector<std::string>{"", "bytes=70000-", "bytes=140000-", "bytes=210000-"}));
}

TEST_F(ImagePath, StartsOverWhenARegistryKnowsNoRanges) {
  const ImageBuilder image = small_image();
  serve(image);
  const std::string big = biggest_blob(image);
  std::atomic<bool> cut{false};
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target.find(big) == std::string::npos) return std::nullopt;
    FakeRequest whole = request;
    whole.headers.erase("range");
    FakeReply reply = fake.usual(whole);
    if (!cut.exchange(true)) reply.cut_after = 100000;
    return reply;
  });
  const Result<Image> pulled = ensure_it();
  ASSERT_TRUE(pulled) << pulled.error().sentence();
  EXPECT_EQ(slurp(pulled->layers[1] / "big"), noise(300000));
}

TEST_F(ImagePath, ResumesInTheNextPullToo) {
  const ImageBuilder image = small_image();
  serve(image);
  const std::string big = biggest_blob(image);
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target.find(big) == std::string::npos) return std::nullopt;
    if (!request.header("range").empty()) return FakeReply{503, {}, "", {}, {}};
    FakeReply reply = fake.usual(request);
    reply.cut_after = 90000;
    return reply;
  });
  EXPECT_EQ(failure(ensure_it()).substr(0, 12), "unavailable:");
  EXPECT_TRUE(has_partial(big));
  EXPECT_TRUE(list_images(data())->empty());
  fake.set_hook({});
  const std::size_t before = fake.requests().size();
  ASSERT_TRUE(ensure_it());
  bool resumed = false;
  const std::vector<FakeRequest> requests = fake.requests();
  for (std::size_t i = before; i < requests.size(); ++i)
    resumed = resumed || requests[i].header("range") == "bytes=90000-";
  EXPECT_TRUE(resumed);
  EXPECT_TRUE(partials().empty());
}

TEST_F(ImagePath, APartialBlobWithHolesIsFetchedAnew) {
  const ImageBuilder image = small_image();
  serve(image);
  const std::string big = biggest_blob(image);
  std::filesystem::create_directories(data() / "images/partial");
  std::ofstream(data() / "images/partial" / ("sha256-" + big.substr(7))) << std::string(50000, '\0');
  const Result<Image> pulled = ensure_it();
  ASSERT_TRUE(pulled) << pulled.error().sentence();
  EXPECT_EQ(slurp(pulled->layers[1] / "big"), noise(300000));
}

TEST_F(ImagePath, AStalledTransferEnds) {
  const ImageBuilder image = small_image();
  serve(image);
  options.max_attempts = 2;
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_blob(request)) return std::nullopt;
    FakeReply reply = fake.usual(request);
    reply.cut_after = 10;
    reply.stall = true;
    return reply;
  });
  EXPECT_EQ(failure(ensure_it()).substr(0, 8), "timeout:");
}

TEST_F(ImagePath, TriesAgainAfter429And5xxAndThenGivesUp) {
  serve(small_image());
  std::atomic<int> refusals{0};
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target.find("/manifests/") == std::string::npos) return std::nullopt;
    const int count = ++refusals;
    if (count == 1) return FakeReply{429, {{"Retry-After", "0"}}, "", {}, {}};
    if (count == 2) return FakeReply{503, {}, "", {}, {}};
    return std::nullopt;
  });
  EXPECT_TRUE(ensure_it());
  EXPECT_EQ(refusals, 3);
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target == "/v2/") return std::nullopt;
    return FakeReply{502, {}, "", {}, {}};
  });
  const std::size_t before = fake.count("GET", "/manifests/missing");
  EXPECT_EQ(failure(ensure_it(PullPolicy::always, "missing")).substr(0, 12), "unavailable:");
  EXPECT_EQ(fake.count("GET", "/manifests/missing") - before, 5U);
}

TEST_F(ImagePath, DoesNotWaitForHours) {
  serve(small_image());
  fake.set_hook([](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target == "/v2/") return std::nullopt;
    return FakeReply{429, {{"Retry-After", "86400"}}, "", {}, {}};
  });
  EXPECT_NE(failure(ensure_it()).find("86400 seconds"), std::string::npos);
}

TEST_F(ImagePath, RefusesLies) {
  const ImageBuilder image = small_image();
  serve(image);
  const std::string big = biggest_blob(image);
  struct Lie {
    std::string what;
    std::string expected;
    std::function<void(FakeReply&)> tell;
  };
  const std::vector<Lie> lies{
      {big, "corrupt", [](FakeReply& reply) { reply.body[1000] = static_cast<char>(reply.body[1000] ^ 1); }},
      {big, "corrupt", [](FakeReply& reply) { reply.body += "more"; }},
      {big, "corrupt", [](FakeReply& reply) { reply.body.pop_back(); }},
      {big, "corrupt",
       [](FakeReply& reply) {
         reply.body += "more";
         reply.chunked = true;
       }},
      {big, "corrupt",
       [](FakeReply& reply) {
         reply.body.pop_back();
         reply.chunked = true;
       }},
      {big, "corrupt",
       [](FakeReply& reply) {
         reply.body.clear();
         reply.chunked = true;
       }},
      {big, "not_found",
       [](FakeReply& reply) {
         reply = {404, {}, "", {}, {}};
       }},
      {"/manifests/", "corrupt", [](FakeReply& reply) { reply.body += " "; }},
      {"/manifests/", "corrupt", [](FakeReply& reply) { reply.headers[0].second = std::string(kOciIndex); }},
      {"/manifests/", "corrupt", [](FakeReply& reply) { reply.headers[1].second = "sha256:no"; }},
      {"/manifests/", "corrupt",
       [](FakeReply& reply) {
         reply = {200, {}, std::string((4U << 20U) + 1, ' '), {}, {}};
       }},
      {"/manifests/", "corrupt",
       [](FakeReply& reply) {
         reply = {200, {}, "<html>", {}, {}};
       }},
      {"/manifests/", "corrupt",
       [](FakeReply& reply) {
         for (int i = 0; i < 200; ++i) reply.headers.emplace_back("X-" + std::to_string(i), std::string(1000, 'x'));
       }},
      {"/manifests/", "unsupported",
       [](FakeReply& reply) {
         reply = {200, {}, R"({"schemaVersion":1,"fsLayers":[]})", {}, {}};
       }},
      {"/manifests/", "unavailable",
       [](FakeReply& reply) {
         reply.content_length = reply.body.size() + 10;
         reply.cut_after = reply.body.size();
       }},
  };
  for (std::size_t i = 0; i < lies.size(); ++i) {
    fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
      if (request.target.find(lies[i].what) == std::string::npos) return std::nullopt;
      FakeReply reply = fake.usual(request);
      lies[i].tell(reply);
      return reply;
    });
    const Result<Image> pulled = ensure_it();
    ASSERT_FALSE(pulled) << "lie " << i;
    EXPECT_EQ(to_string(pulled.error().kind()), lies[i].expected) << "lie " << i << ": " << pulled.error().sentence();
    EXPECT_TRUE(list_images(data())->empty());
    EXPECT_FALSE(has_partial(big)) << "lie " << i;
  }
  fake.set_hook({});
  EXPECT_TRUE(ensure_it());
}

TEST_F(ImagePath, RefusesAConfigThatFitsNotTheManifest) {
  ImageBuilder image = small_image();
  image.platform("s390x");
  serve(image);
  EXPECT_EQ(failure(ensure_it()).substr(0, 12), "unsupported:");

  const std::string config = R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}})";
  fake.add_blob(test::digest_of(config), config);
  const std::string layer = small_image().blobs().begin()->first;
  const std::string manifest = R"({"schemaVersion":2,"config":{"mediaType":")" + std::string(kOciConfig) +
                               R"(","digest":")" + test::digest_of(config) + R"(","size":)" +
                               std::to_string(config.size()) + R"(},"layers":[{"mediaType":")" +
                               std::string(kOciLayerTar) + R"(","digest":")" + layer + R"(","size":1}]})";
  fake.add_manifest("short", test::digest_of(manifest), manifest, std::string(kOciManifest));
  const std::string why = failure(ensure_it(PullPolicy::if_not_present, "short"));
  EXPECT_NE(why.find("0 diff_ids for 1 layers"), std::string::npos) << why;
}

TEST_F(ImagePath, NeverFollowsUrlsInDescriptors) {
  FakeRegistry foreign;
  ImageBuilder image = small_image();
  serve(image);
  std::string manifest = image.manifest_json();
  const auto at = manifest.find("\"layers\":[{") + 11;
  manifest.insert(at, "\"urls\":[\"http://" + foreign.host() + "/x\"],");
  fake.add_manifest("urls", test::digest_of(manifest), manifest, std::string(kOciManifest));
  EXPECT_TRUE(ensure_it(PullPolicy::if_not_present, "urls"));
  EXPECT_TRUE(foreign.requests().empty());
}

TEST_F(ImagePath, ADamagedCacheIsRepaired) {
  serve(small_image());
  const Image image = *ensure_it();
  const auto blob = [&](const std::string& digest) { return data() / "images/blobs/sha256" / digest.substr(7); };
  for (const std::string& digest : {image.id, image.digest}) {
    std::string bytes = slurp(blob(digest));
    bytes[10] = static_cast<char>(bytes[10] ^ 1);
    std::ofstream(blob(digest), std::ios::binary) << bytes;
    EXPECT_EQ(failure(ensure_it(PullPolicy::never)).substr(0, 8), "corrupt:");
    const Result<Image> repaired = ensure_it();
    ASSERT_TRUE(repaired) << repaired.error().sentence();
    EXPECT_TRUE(ensure_it(PullPolicy::never));
  }
  // A layer's blob with a flipped bit is noticed when it has to be unpacked again.
  const std::string big = biggest_blob(small_image());
  std::string bytes = slurp(blob(big));
  bytes[5000] = static_cast<char>(bytes[5000] ^ 1);
  std::ofstream(blob(big), std::ios::binary) << bytes;
  std::filesystem::remove_all(image.layers[1]);
  const Result<Image> repaired = ensure_it();
  ASSERT_TRUE(repaired) << repaired.error().sentence();
  EXPECT_EQ(test::digest_of(slurp(blob(big))), big);
  EXPECT_EQ(slurp(repaired->layers[1] / "big"), noise(300000));
}

TEST_F(ImagePath, UnpacksAgainWithoutNetwork) {
  serve(small_image());
  const Image image = *ensure_it();
  std::filesystem::remove_all(image.layers[0]);
  const std::size_t before = fake.requests().size();
  const Result<Image> again = ensure_it(PullPolicy::never);
  ASSERT_TRUE(again) << again.error().sentence();
  EXPECT_EQ(slurp(again->layers[0] / "etc/one"), "1");
  EXPECT_EQ(fake.requests().size(), before);
}

TEST_F(ImagePath, PullsSideBySideShareTheWork) {
  serve(small_image());
  std::atomic<int> pulled{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back(
          [&] { pulled += ensure(data(), reference(), PullPolicy::if_not_present, {}, impatient()) ? 1 : 0; });
    }
  }
  EXPECT_EQ(pulled, 6);
  for (const auto& [digest, bytes] : small_image().blobs())
    EXPECT_LE(fake.count("GET", "/blobs/" + digest), 1U) << digest;
}

TEST_F(ImagePath, ReportsProgressOneAtATime) {
  serve(small_image());
  std::atomic<int> inside{0};
  std::set<PullProgress::Stage> stages;
  options.progress = [&](const PullProgress& progress) {
    EXPECT_EQ(++inside, 1);
    stages.insert(progress.stage);
    EXPECT_LE(progress.current, progress.total);
    --inside;
  };
  ASSERT_TRUE(ensure_it());
  for (const auto stage : {PullProgress::Stage::resolving, PullProgress::Stage::downloading,
                           PullProgress::Stage::unpacking, PullProgress::Stage::done}) {
    EXPECT_TRUE(stages.count(stage) != 0) << static_cast<int>(stage);
  }
  stages.clear();
  ASSERT_TRUE(ensure_it());
  EXPECT_EQ(stages, (std::set<PullProgress::Stage>{PullProgress::Stage::cached}));
}

TEST_F(ImagePath, StopsWhenAsked) {
  serve(small_image());
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_blob(request)) return std::nullopt;
    FakeReply reply = fake.usual(request);
    reply.cut_after = 10;
    reply.stall = true;
    return reply;
  });
  std::stop_source stop;
  options.stop = stop.get_token();
  std::jthread stopper([&] {
    EXPECT_TRUE(fake.wait_for("/blobs/", 1));
    stop.request_stop();
  });
  EXPECT_EQ(failure(ensure_it()).substr(0, 8), "aborted:");
}

TEST_F(ImagePath, TakesAnImageWithoutLayersAndOneWithTheSameLayerTwice) {
  ImageBuilder none;
  none.cmd({"/x"});
  serve(none, "none");
  const Result<Image> empty = ensure_it(PullPolicy::if_not_present, "none");
  ASSERT_TRUE(empty) << empty.error().sentence();
  EXPECT_TRUE(empty->layers.empty());
  ImageBuilder twice;
  for (int i = 0; i < 4; ++i) twice.layer(TarBuilder().file("a", "a"));
  serve(twice, "twice");
  const Result<Image> image = ensure_it(PullPolicy::if_not_present, "twice");
  ASSERT_TRUE(image) << image.error().sentence();
  EXPECT_EQ(image->layers.size(), 4U);
}

TEST_F(ImagePath, AnOpaqueRootHidesTheLayersBelow) {
  ImageBuilder image;
  image.layer(TarBuilder().file("old", "o"))
      .layer(TarBuilder().raw(TarBuilder().end_blocks(0).file(".wh..wh..opq", "").bytes()).file("new", "n"));
  serve(image);
  for (int i = 0; i < 2; ++i) {
    const Result<Image> pulled = ensure_it();
    ASSERT_TRUE(pulled) << pulled.error().sentence();
    ASSERT_EQ(pulled->layers.size(), 1U);
    EXPECT_EQ(slurp(pulled->layers[0] / "new"), "n");
  }
}

}  // namespace
}  // namespace tank::image
