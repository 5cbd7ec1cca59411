// Reading and writing an open file from front to back, and making it last: what a blob on its way to disk needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "sys/fd.h"
#include "sys/inode.h"
#include "tank/result.h"

namespace tank::sys {

/// stat(2): symbolic links are followed.
Result<FileStatus> status_of_path(const std::filesystem::path& path);
/// fsync(2), of a file or of an open directory.
Result<> sync_file(const Fd& fd);
/// lseek(2) from the beginning.
Result<> seek_to(const Fd& fd, std::uint64_t offset);
/// One read(2), EINTR handled; 0 at the end.
Result<std::size_t> read_some(const Fd& fd, char* buffer, std::size_t size);

}  // namespace tank::sys
