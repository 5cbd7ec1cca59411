#include "sys/file_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/file.h"

namespace tank::sys {

Result<FileStatus> status_of_path(const std::filesystem::path& path) {
  const Fd fd = TRY(open_path(path, O_PATH));
  return status_of(fd).while_doing("'", path.native(), "'");
}

Result<> sync_file(const Fd& fd) {
  if (::fsync(fd.get()) < 0) return errno_error("syncing to disk");
  return {};
}

Result<> seek_to(const Fd& fd, std::uint64_t offset) {
  if (::lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) return errno_error("seeking in a file");
  return {};
}

Result<std::size_t> read_some(const Fd& fd, char* buffer, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return errno_error("reading");
  }
}

}  // namespace tank::sys
