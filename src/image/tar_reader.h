// The entries of a tar, one after the other: ustar, pax and GNU in all their dialects by libarchive, made strict. What
// libarchive forgives (a damaged header, a malformed pax record, a missing end) is an error here, for a layer is either
// what its author packed or it is nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/inode.h"
#include "tank/result.h"

struct archive;
struct archive_entry;

namespace tank::image {

struct TarEntry {
  enum class Type : std::uint8_t { file, directory, symlink, hard_link, character, block, fifo, socket };
  Type type = Type::file;
  std::string name;  ///< as packed
  std::string link;  ///< target of a symbolic or hard link, as packed
  mode_t mode = 0;   ///< the twelve permission bits
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t size = 0;  ///< logical size of a file
  unsigned device_major = 0;
  unsigned device_minor = 0;
  sys::Timestamp modified;
  std::vector<std::pair<std::string, std::string>> attributes;  ///< extended attributes, as packed
};

/// Not thread-safe, and bound to one thread: it gives the thread the "C" locale for its lifetime, because libarchive
/// rewrites UTF-8 names (to normal form C) under any other, and names are bytes.
class TarReader {
 public:
  /// The next bytes of the stream, empty at its end; valid until the next call. Every piece but the last is a multiple
  /// of 512 bytes long.
  using Source = std::function<Result<std::span<const char>>()>;

  /// Kind::kernel when libarchive cannot be started.
  static Result<std::unique_ptr<TarReader>> open(Source source);
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;

  /// The next entry, or nullptr when the archive is complete: its end mark is there and nothing but zeros follows.
  /// Kind::corrupt for everything else. The entry is valid until the next call.
  Result<const TarEntry*> next();

  struct Data {
    std::span<const char> bytes;  ///< empty at the end of the entry
    std::uint64_t offset = 0;     ///< in the file; what is skipped is a hole
  };
  /// The next piece of the current entry's data, valid until the next call.
  Result<Data> next_data();

 private:
  class Impl;
  explicit TarReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tank::image
