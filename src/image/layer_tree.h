// The directory a layer is unpacked into, and where an entry's parent is in it. Names are resolved as they would be in
// a container whose root this directory is: through symbolic links of this very layer, absolute ones too, and never
// out of it. Every step opens one component, O_NOFOLLOW, from a descriptor; no path of the image ever reaches the
// kernel as a path from elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "image/tar_name.h"
#include "sys/inode.h"

namespace tank::image {

/// A directory inside the layer.
struct Place {
  sys::DirFd dir;
  std::string path;  ///< from the root, without symbolic links; empty for the root

  std::string path_of(const std::string& base) const { return path.empty() ? base : path + '/' + base; }
};

class LayerTree {
 public:
  LayerTree(sys::DirFd root, std::size_t max_depth);

  const sys::DirFd& root() const { return root_; }

  enum class Missing : std::uint8_t { create, fail };
  /// The directory that `parent` (of an EntryName) names. Missing directories are created, 0755 root, or are
  /// Kind::not_found. Kind::corrupt when something else stands in the way or the links go in circles.
  Result<std::shared_ptr<const Place>> find_parent(const std::string& parent, Missing missing);

  /// Must be called when a directory or symbolic link was removed or replaced: descriptors kept may be stale.
  void forget_places() { places_.clear(); }

  /// What stands under the name, if anything.
  static Result<std::optional<sys::FileStatus>> find(const Place& place, const std::string& base);
  /// Marks a directory so that overlayfs merges nothing from below into it.
  static Result<> make_opaque(const Place& place, const std::string& base);

 private:
  struct Walk;
  Result<std::shared_ptr<const Place>> open_place(const std::string& parent, Missing missing);
  Result<> step(Walk& walk, Missing missing);
  Result<> enter(Walk& walk, const std::string& component) const;
  Result<> follow(Walk& walk, const std::string& component) const;
  Result<> go_up(Walk& walk) const;
  static Result<> create(Walk& walk, const std::string& component, const std::optional<sys::FileStatus>& present);

  sys::DirFd root_;
  std::size_t max_depth_;
  std::unordered_map<std::string, std::shared_ptr<const Place>> places_;
};

}  // namespace tank::image
