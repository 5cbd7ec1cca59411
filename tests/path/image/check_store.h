// Is a store sound? Every blob is what its name says, every image is whole, nothing half-written can be seen.
#pragma once

#include <filesystem>
#include <string>

#include "path/image/fixture.h"

namespace tank::image {

/// Empty when it is, else the first thing that is not.
inline std::string fault_of_store(const std::filesystem::path& data) {
  namespace fs = std::filesystem;
  if (!fs::exists(data / "images/index.json")) return "";
  for (const auto& blob : fs::directory_iterator(data / "images/blobs/sha256")) {
    const std::string name = "sha256:" + blob.path().filename().string();
    if (test::digest_of(slurp(blob.path())) != name) return "blob " + name + " is damaged";
  }
  const auto images = list_images(data);
  if (!images) return images.error().sentence();
  for (const StoredImage& image : *images) {
    const auto details = inspect_image(data, image.reference);
    if (!details) return details.error().sentence();
    for (const StoredLayer& layer : details->layers) {
      if (!fs::exists(data / "images/blobs/sha256" / layer.digest.substr(7)))
        return "blob " + layer.digest + " is missing";
      if (!layer.unpacked) return "layer " + layer.diff_id + " is not unpacked";
    }
  }
  return "";
}

}  // namespace tank::image
