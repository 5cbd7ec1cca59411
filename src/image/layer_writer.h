// Puts the entries of a layer's tar on disk, in the form overlayfs wants a lower directory to have. Files get their
// owner, mode, attributes and times as they are made; directories at the very end, because what is made inside one
// changes its time, and because a set-group-id bit or a default ACL would be inherited on the way.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "image/layer.h"
#include "image/layer_tree.h"
#include "image/tar_reader.h"

namespace tank::image {

/// One layer being written. The calling thread's umask must be 0.
class LayerWriter {
 public:
  LayerWriter(sys::DirFd root, const LayerCaps& caps);

  /// All entries of the archive, to its end. Kind::corrupt or unsupported for what a layer cannot hold, otherwise what
  /// the kernel says.
  Result<> write_all(TarReader& tar);

 private:
  struct Directory {
    mode_t mode = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    sys::Timestamp modified;
    std::vector<std::pair<std::string, std::string>> attributes;
  };

  Result<> write(const TarEntry& entry, TarReader& tar);
  Result<> account(const TarEntry& entry);
  Result<> write_whiteout(const Place& place, const std::string& target);
  Result<> write_at(const Place& place, const std::string& base, const TarEntry& entry, TarReader& tar);
  Result<> write_directory(const Place& place, const std::string& base, const TarEntry& entry);
  Result<> write_file(const Place& place, const std::string& base, const TarEntry& entry, TarReader& tar);
  Result<> write_hard_link(const Place& place, const std::string& base, const TarEntry& entry);
  Result<> write_symlink(const Place& place, const std::string& base, const TarEntry& entry);
  Result<> write_node(const Place& place, const std::string& base, const TarEntry& entry);
  Result<> describe(const Place& place, const std::string& base, const TarEntry& entry);
  Result<> describe(const sys::Fd& file, const TarEntry& entry) const;

  /// Runs `make`, and once more after removing what stood under the name when that was the obstacle.
  template <typename Make>
  auto make_in_place(const Place& place, const std::string& base, Make make) -> decltype(make());
  Result<> remove_present(const Place& place, const std::string& base);

  Result<> remember(const std::string& path, const TarEntry& entry);
  void forget_below(const std::string& path);
  Result<> describe_directories() const;
  Result<> describe_directory(const std::string& path, const Directory& directory) const;

  LayerTree tree_;
  LayerCaps caps_;
  uid_t own_uid_;
  gid_t own_gid_;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t remembered_bytes_ = 0;
  std::map<std::string, Directory> directories_;
};

}  // namespace tank::image
