// What stat(2) says of a file, as plain values, and the few calls on an open file that writing it durably takes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

struct FileStatus {
  enum class Type : std::uint8_t { regular, directory, symlink, other };
  Type type = Type::other;
  std::uint64_t size = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t modified = 0;  ///< seconds since the epoch

  bool same_file(const FileStatus& other) const { return device == other.device && inode == other.inode; }
};

/// fstat(2).
Result<FileStatus> status_of(const Fd& fd);
/// lstat(2): a symbolic link is itself.
Result<FileStatus> status_at(const Fd& dir, const std::string& name);
/// stat(2): symbolic links are followed.
Result<FileStatus> status_of_path(const std::filesystem::path& path);

/// fsync(2).
Result<> sync_file(const Fd& fd);
/// ftruncate(2).
Result<> truncate_file(const Fd& fd, std::uint64_t size);
/// lseek(2) from the beginning.
Result<> seek_to(const Fd& fd, std::uint64_t offset);
/// One read(2), EINTR handled; 0 at the end.
Result<std::size_t> read_some(const Fd& fd, char* buffer, std::size_t size);
/// renameat(2).
Result<> rename_at(const Fd& from_dir, const std::string& from, const Fd& to_dir, const std::string& to);
/// fsync(2) of an open directory.
Result<> sync_open_dir(const Fd& dir);

}  // namespace tank::sys
