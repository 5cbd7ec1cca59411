// The content store: <data_dir>/images, a valid OCI image layout (image-spec, image-layout.md). Blobs and index.json
// appear atomically, so a kill or power cut leaves the old or the new state; partial downloads wait in images/partial,
// each locked (flock(2)) by whoever writes it, so that two pulls of the same blob become one.
//
// Two more locks are flocks of directories: images itself, held while index.json is replaced; images/partial, shared by
// every pull and exclusive to whoever removes blobs.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "image/blob_writer.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "sys/fd.h"
#include "tank/result.h"

namespace tank::image {

inline constexpr std::string_view kReferenceName = "org.opencontainers.image.ref.name";
/// Our annotation: the digest of the document that the reference named, before a platform was chosen.
inline constexpr std::string_view kSourceDigest = "tank.image.source-digest";

/// One line of index.json.
struct Entry {
  Descriptor manifest;
  std::string reference;  ///< kReferenceName, or empty
  std::string source;     ///< kSourceDigest, or the manifest's digest
};

class Store {
 public:
  /// For readers: touches nothing. Every lookup in a store that does not exist finds nothing.
  static Store at(const std::filesystem::path& data_dir) { return Store(data_dir); }
  /// For writers: creates the layout where it is missing and removes what writers that died left behind. The returned
  /// store holds the shared lock that keeps blobs from being removed.
  static Result<Store> open_for_writing(const std::filesystem::path& data_dir);

  const std::filesystem::path& data_dir() const { return data_dir_; }

  Result<std::vector<Entry>> entries() const;
  /// By reference; with a digest, any entry of that repository with this manifest or source digest.
  Result<std::optional<Entry>> find(const Reference& reference) const;

  /// A manifest or config: size and digest are verified. Kind::not_found or Kind::corrupt.
  Result<std::string> read_document(const Descriptor& descriptor) const;
  /// Kind::not_found, or Kind::corrupt when its size is wrong. The digest is not verified.
  Result<sys::Fd> open_blob(const Descriptor& descriptor) const;
  bool has_blob(const Descriptor& descriptor) const;

  enum class Reuse : std::uint8_t { size_checked, digest_checked };
  enum class Outcome : std::uint8_t { reused, fetched };
  struct Fetch {
    std::function<Result<>(BlobWriter&)> bytes;  ///< writes from writer.offset() on
    std::function<void()> waiting;               ///< somebody else is at it. May be empty
    std::stop_token stop;
  };
  /// Makes sure the blob is there, fetching it at most once however many processes ask. An existing one is trusted as
  /// `reuse` says, else replaced.
  Result<Outcome> ensure_blob(const Descriptor& descriptor, Reuse reuse, const Fetch& fetch) const;
  /// Removes a blob that turned out damaged.
  Result<> discard_blob(const Digest& digest) const;

  /// Adds or replaces the line of this reference. Survives a power cut once it returns.
  Result<> add_entry(const Entry& entry) const;
  /// Removes lines; other tools' lines and members are kept as they are.
  Result<> remove_entries(const std::function<bool(const Entry&)>& chosen) const;

  /// Removes every blob that `needed` does not name, if no pull is running (else nothing). Gives count and bytes.
  struct Collected {
    std::size_t blobs = 0;
    std::uint64_t bytes = 0;
  };
  Result<std::optional<Collected>> collect(const std::function<bool(const Digest&)>& needed,
                                           const std::function<Result<>()>& meanwhile) const;

  std::filesystem::path blob_path(const Digest& digest) const;
  std::filesystem::path images_dir() const { return data_dir_ / "images"; }
  std::filesystem::path partial_dir() const { return images_dir() / "partial"; }

 private:
  explicit Store(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}
  std::filesystem::path data_dir_;
  sys::DirFd partial_;  ///< open and locked for writers
};

}  // namespace tank::image
