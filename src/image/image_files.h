// The files of an image layout or archive, by name, wherever they stand: a directory or a tar file. Names come from
// documents that are not trusted; nothing is ever created by them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tank/result.h"

namespace tank::image {

class ImageFiles {
 public:
  virtual ~ImageFiles() = default;
  virtual bool has(const std::string& name) const = 0;
  /// Kind::not_found when there is no such regular file.
  virtual Result<std::uint64_t> size(const std::string& name) const = 0;
  /// Hands the bytes from `offset` on to `sink`, piece by piece, until the end or until it wants no more. Safe to call
  /// from several threads.
  enum class More : std::uint8_t { no, yes };
  virtual Result<> stream(const std::string& name, std::uint64_t offset,
                          const std::function<Result<More>(std::string_view)>& sink) const = 0;

  /// The whole file. Kind::corrupt when it is over `limit`.
  Result<std::string> read(const std::string& name, std::size_t limit) const;
  /// Its first bytes, up to `count`.
  Result<std::string> beginning(const std::string& name, std::size_t count) const;
};

Result<std::unique_ptr<ImageFiles>> open_directory_files(const std::filesystem::path& directory);

/// A tar file, also one compressed with gzip or zstd; that is inflated into an unnamed file in `scratch` first, at most
/// `limit` bytes of it.
Result<std::unique_ptr<ImageFiles>> open_tar_files(const std::filesystem::path& file,
                                                   const std::filesystem::path& scratch, std::uint64_t limit);

}  // namespace tank::image
