// What the image path tests share: an image, a fake registry that serves it, a data directory, short patience.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "image/ensure.h"
#include "image/manifest.h"
#include "support/fake_registry.h"
#include "support/image_builder.h"
#include "tank/image.h"
#include "tank/image_store.h"
#include "unit/image_registry/temporary_directory.h"

namespace tank::image {

using test::FakeRegistry;
using test::FakeReply;
using test::FakeRequest;
using test::ImageBuilder;
using test::TarBuilder;

/// Bytes that do not compress, always the same.
inline std::string noise(std::size_t size, unsigned seed = 1) {
  std::string out(size, '\0');
  std::uint32_t state = seed;
  for (char& c : out) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24U);
  }
  return out;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class ImagePath : public ::testing::Test {
 protected:
  static Patience impatient() {
    Patience patience;
    patience.first_back_off = std::chrono::milliseconds(1);
    patience.longest_back_off = std::chrono::milliseconds(5);
    patience.stall_timeout = std::chrono::seconds(1);
    patience.connect_timeout = std::chrono::milliseconds(2000);
    return patience;
  }

  static ImageBuilder small_image() {
    return ImageBuilder()
        .layer(TarBuilder().directory("etc").file("etc/one", "1"))
        .layer(TarBuilder().directory("etc").file("etc/two", "2").file("big", noise(300000)))
        .cmd({"/bin/true"})
        .label("tank.image.source-digest", "a label is only a label");
  }

  void serve(const ImageBuilder& image, const std::string& tag = "1") {
    for (const auto& [digest, bytes] : image.blobs()) fake.add_blob(digest, bytes);
    const std::string manifest = image.manifest_json();
    fake.add_manifest(tag, test::digest_of(manifest), manifest, std::string(kOciManifest));
  }

  std::string reference(const std::string& tag = "1") const { return fake.host() + "/a/b:" + tag; }

  Result<Image> ensure_it(PullPolicy policy = PullPolicy::if_not_present, const std::string& tag = "1") {
    options.auth_file = auth_file();
    return ensure(data(), reference(tag), policy, options, impatient());
  }

  /// Kind and sentence of the error that must come.
  static std::string failure(const Result<Image>& image) {
    return image ? "none" : std::string(to_string(image.error().kind())) + ": " + image.error().sentence();
  }

  std::filesystem::path data() const { return directory.path() / "data"; }
  std::filesystem::path auth_file() {
    const std::filesystem::path path = directory.path() / "auth.json";
    if (!std::filesystem::exists(path)) std::ofstream(path) << "{}";
    return path;
  }
  void write_auth(const std::string& host, const std::string& pair_base64) {
    std::ofstream(directory.path() / "auth.json")
        << R"({"auths":{")" << host << R"(":{"auth":")" << pair_base64 << R"("}}})";
  }
  std::vector<std::string> partials() const {
    std::vector<std::string> out;
    if (!std::filesystem::exists(data() / "images/partial")) return out;
    for (const auto& entry : std::filesystem::directory_iterator(data() / "images/partial")) {
      out.push_back(entry.path().filename());
    }
    return out;
  }

  bool has_partial(const std::string& digest) const {
    return std::filesystem::exists(data() / "images/partial" / ("sha256-" + digest.substr(7)));
  }

  test::TemporaryDirectory directory;
  FakeRegistry fake;
  PullOptions options;
};

}  // namespace tank::image
