// Images for tests: layers and a configuration, written as an OCI image layout or as what `docker save` writes.
//
//   ImageBuilder()
//       .layer(TarBuilder().directory("bin").file("bin/true", program, 0755))
//       .cmd({"/bin/true"})
//       .write_layout(directory, "tag");
//
// Everything is deterministic: the same calls give the same digests. Functions throw std::runtime_error when the disk
// does not do as told, which fails the test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/tar_builder.h"

namespace tank::test {

enum class Packing : std::uint8_t { plain, gzip, zstd };

/// Compresses; gzip has no name and no time inside, so that the same bytes come out each time.
std::string pack(std::string_view bytes, Packing packing);
/// "sha256:…" of the bytes.
std::string digest_of(std::string_view bytes);

class ImageBuilder {
 public:
  /// Adds a layer on top. `tar` is taken as it is, sound or not.
  ImageBuilder& layer(const TarBuilder& tar, Packing packing = Packing::gzip);
  ImageBuilder& layer_bytes(std::string tar, Packing packing = Packing::gzip);
  /// Adds all that is below a directory as a layer: owners, modes, times, links, devices, extended attributes.
  ImageBuilder& layer_from_directory(const std::filesystem::path& directory, Packing packing = Packing::gzip);

  ImageBuilder& cmd(std::vector<std::string> argv);
  ImageBuilder& entrypoint(std::vector<std::string> argv);
  ImageBuilder& env(std::vector<std::string> variables);  ///< "NAME=value"
  ImageBuilder& user(std::string user);
  ImageBuilder& working_dir(std::string path);
  ImageBuilder& stop_signal(std::string signal);
  ImageBuilder& label(std::string name, std::string value);
  ImageBuilder& volume(std::string path);
  /// "amd64" and "linux" unless told.
  ImageBuilder& platform(std::string architecture, std::string os = "linux", std::string variant = {});

  /// Writes (or adds to) an OCI image layout whose index.json names the manifest by this tag. Several builders may
  /// write into one directory. Gives the manifest's digest.
  std::string write_layout(const std::filesystem::path& directory, const std::string& tag) const;
  /// The same with an image index (a "manifest list") between: one manifest per builder, each with its platform. Gives
  /// the index's digest.
  static std::string write_index_layout(const std::filesystem::path& directory, const std::string& tag,
                                        const std::vector<ImageBuilder>& images);
  /// Writes a tar as `docker save` makes them: manifest.json, the configuration, plain layers. `tag` is "name:tag".
  void write_docker_archive(const std::filesystem::path& file, const std::string& tag) const;
  /// Writes the OCI layout as one tar (transport oci-archive:).
  void write_oci_archive(const std::filesystem::path& file, const std::string& tag) const;

  /// The parts, for tests that write them themselves or serve them.
  std::string config_json() const;
  std::string manifest_json() const;
  std::vector<std::string> diff_ids() const;
  /// Digest and bytes of every blob: the layers, the configuration, the manifest.
  std::map<std::string, std::string> blobs() const;

 private:
  struct Layer {
    std::string diff_id;
    std::string blob;
    Packing packing = Packing::gzip;
  };
  std::vector<Layer> layers_;
  std::vector<std::string> cmd_;
  std::vector<std::string> entrypoint_;
  std::vector<std::string> env_;
  std::string user_;
  std::string working_dir_;
  std::string stop_signal_;
  std::map<std::string, std::string> labels_;
  std::vector<std::string> volumes_;
  std::string architecture_ = "amd64";
  std::string os_ = "linux";
  std::string variant_;
};

/// A directory as a tar: what layer_from_directory packs.
TarBuilder tar_of_directory(const std::filesystem::path& directory);

}  // namespace tank::test
