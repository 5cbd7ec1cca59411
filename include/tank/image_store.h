// The images that stand on this machine: to list, look into, load and remove. Pulling is in tank/image.h.
//
// <data_dir>/images is an OCI image layout (image-layout.md): skopeo and others can read it as oci:<data_dir>/images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tank/image.h"
#include "tank/result.h"

namespace tank {

struct StoredImage {
  std::string reference;      ///< full form: docker.io/library/nginx:1.27
  std::string digest;         ///< of the manifest
  std::string source_digest;  ///< of the index that the reference named, when it named one; else as digest
  std::string id;             ///< digest of the config; empty when the manifest cannot be read
  std::string created;        ///< as the image says (RFC 3339), or empty; untrusted
  std::string platform;       ///< linux/amd64
  std::uint64_t size = 0;     ///< bytes of config and compressed layers
};

/// Sorted by reference. An image whose documents are damaged is listed with what is known. Error kinds: corrupt,
/// denied.
Result<std::vector<StoredImage>> list_images(const std::filesystem::path& data_dir);

struct StoredLayer {
  std::string digest;  ///< of the blob
  std::string media_type;
  std::uint64_t size = 0;  ///< of the blob
  std::string diff_id;
  std::optional<std::filesystem::path> unpacked;
};

struct ImageDetails {
  StoredImage image;
  ImageConfig config;
  std::vector<StoredLayer> layers;  ///< lowest first
  std::string manifest_json;        ///< as received; untrusted
  std::string config_json;          ///< as received; untrusted
};

/// One image by reference, or by digest or id in full ("sha256:…") or cut to at least 4 hexadecimal digits. Error
/// kinds: not_found, invalid (also when several fit), corrupt.
Result<ImageDetails> inspect_image(const std::filesystem::path& data_dir, const std::string& reference);

struct RemovedImage {
  std::vector<std::string> references;
  std::size_t blobs = 0;
  std::size_t layers = 0;
  std::uint64_t blob_bytes = 0;  ///< of compressed blobs given back
};

/// Removes a reference, or with a digest or id every reference to that image, then whatever no other image needs.
/// `in_use` says whether a running pod has this unpacked layer mounted. Kind::busy when a layer that only this image
/// has is in use: nothing is removed then. While a pull runs only the reference goes; the next removal takes the rest.
/// Error kinds otherwise: not_found, invalid.
Result<RemovedImage> remove_image(const std::filesystem::path& data_dir, const std::string& reference,
                                  const std::function<bool(const std::filesystem::path&)>& in_use);

/// Takes every image of an archive or layout into the store: `source` is oci:, oci-archive:, docker-archive: or a plain
/// path, whose kind is then found out. Names come from the archive; `name` names the one image that it must hold then
/// (or that the source's TAG chooses). Gives the references. Error kinds: invalid, not_found, corrupt, unsupported.
Result<std::vector<std::string>> load_images(const std::filesystem::path& data_dir, const std::string& source,
                                             const std::string& name, const PullOptions& options);

}  // namespace tank
