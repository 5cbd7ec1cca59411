// What these tests share: a data directory that goes away, blobs in memory, and a directory tree as lines of text that
// can be compared.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "image/layer.h"
#include "support/image_builder.h"

namespace tank::image {

/// A fresh directory on the disk that holds the system's temporary files (overlayfs takes no tmpfs of every age as an
/// upper directory, and an old tmpfs knows no user.* attributes).
class ScratchDir {
 public:
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

sys::Fd memory_file(std::string_view bytes);

/// Unpacks a tar, plain unless told, below the scratch directory.
Result<std::filesystem::path> unpack(const std::filesystem::path& data_dir, const std::string& tar,
                                     const LayerCaps& caps = {}, test::Packing packing = test::Packing::plain);

enum class Times : std::uint8_t { all, not_of_directories };
/// Path → "type mode uid:gid mtime nlink-group target/content attributes". Attributes of overlayfs itself are left out.
std::map<std::string, std::string> describe_tree(const std::filesystem::path& root, Times times);

std::string read_text(const std::filesystem::path& file);

}  // namespace tank::image
