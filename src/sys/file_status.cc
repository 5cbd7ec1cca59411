#include "sys/file_status.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace tank::sys {

namespace {

FileStatus status_from(const struct stat& found) {
  FileStatus status;
  if (S_ISREG(found.st_mode)) status.type = FileStatus::Type::regular;
  if (S_ISDIR(found.st_mode)) status.type = FileStatus::Type::directory;
  if (S_ISLNK(found.st_mode)) status.type = FileStatus::Type::symlink;
  status.size = static_cast<std::uint64_t>(found.st_size);
  status.device = found.st_dev;
  status.inode = found.st_ino;
  status.modified = found.st_mtim.tv_sec;
  return status;
}

}  // namespace

Result<FileStatus> status_of(const Fd& fd) {
  struct stat found {};
  if (::fstat(fd.get(), &found) < 0) return errno_error("looking at an open file");
  return status_from(found);
}

Result<FileStatus> status_at(const Fd& dir, const std::string& name) {
  struct stat found {};
  if (::fstatat(dir.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) < 0) return errno_error("looking at '", name, "'");
  return status_from(found);
}

Result<FileStatus> status_of_path(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) < 0) return errno_error("looking at '", path.native(), "'");
  return status_from(found);
}

Result<> sync_file(const Fd& fd) {
  if (::fsync(fd.get()) < 0) return errno_error("syncing a file");
  return {};
}

Result<> truncate_file(const Fd& fd, std::uint64_t size) {
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) < 0) return errno_error("truncating a file");
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

Result<> rename_at(const Fd& from_dir, const std::string& from, const Fd& to_dir, const std::string& to) {
  if (::renameat(from_dir.get(), from.c_str(), to_dir.get(), to.c_str()) < 0) {
    return errno_error("renaming '", from, "' to '", to, "'");
  }
  return {};
}

Result<> sync_open_dir(const Fd& dir) {
  if (::fsync(dir.get()) < 0) return errno_error("syncing a directory");
  return {};
}

}  // namespace tank::sys
