#include "sys/inode.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

namespace tank::sys {

namespace {

FileType type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR: return FileType::directory;
    case S_IFLNK: return FileType::symlink;
    case S_IFCHR: return FileType::character;
    case S_IFBLK: return FileType::block;
    case S_IFIFO: return FileType::fifo;
    case S_IFSOCK: return FileType::socket;
    default: return FileType::regular;
  }
}

FileStatus status_from(const struct stat& found) {
  FileStatus status;
  status.type = type_of(found.st_mode);
  status.mode = found.st_mode & 07777U;
  status.uid = found.st_uid;
  status.gid = found.st_gid;
  status.size = static_cast<std::uint64_t>(found.st_size);
  status.blocks = static_cast<std::uint64_t>(found.st_blocks);
  status.links = found.st_nlink;
  status.filesystem = found.st_dev;
  status.inode = found.st_ino;
  status.device_major = major(found.st_rdev);
  status.device_minor = minor(found.st_rdev);
  status.modified = {found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
  return status;
}

std::array<timespec, 2> access_and_modification(const Timestamp& moment) {
  timespec time{};
  time.tv_sec = moment.seconds;
  time.tv_nsec = moment.nanoseconds;
  return {time, time};
}

}  // namespace

std::string_view to_string(FileType type) {
  switch (type) {
    case FileType::regular: return "file";
    case FileType::directory: return "directory";
    case FileType::symlink: return "symbolic link";
    case FileType::character: return "character device";
    case FileType::block: return "block device";
    case FileType::fifo: return "fifo";
    case FileType::socket: return "socket";
  }
  return "file";
}

Result<FileStatus> status_of(const Fd& fd) {
  struct stat found {};
  if (::fstat(fd.get(), &found) < 0) return errno_error("reading the status of a descriptor");
  return status_from(found);
}

Result<FileStatus> status_at(const Fd& dir, const std::string& name) {
  struct stat found {};
  if (::fstatat(dir.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) < 0) {
    return errno_error("reading the status of '", name, "'");
  }
  return status_from(found);
}

Result<> make_symlink_at(const Fd& dir, const std::string& name, const std::string& target) {
  if (::symlinkat(target.c_str(), dir.get(), name.c_str()) < 0) {
    return errno_error("creating symbolic link '", name, "' to '", target, "'");
  }
  return {};
}

Result<> make_link_at(const Fd& existing_dir, const std::string& existing, const Fd& dir, const std::string& name) {
  if (::linkat(existing_dir.get(), existing.c_str(), dir.get(), name.c_str(), 0) < 0) {
    return errno_error("creating hard link '", name, "' to '", existing, "'");
  }
  return {};
}

Result<> make_node_at(const Fd& dir, const std::string& name, FileType type, mode_t mode, unsigned device_major,
                      unsigned device_minor) {
  mode_t kind = S_IFIFO;
  if (type == FileType::character) kind = S_IFCHR;
  if (type == FileType::block) kind = S_IFBLK;
  const dev_t device = kind == S_IFIFO ? 0 : makedev(device_major, device_minor);
  if (::mknodat(dir.get(), name.c_str(), kind | mode, device) < 0) {
    return errno_error("creating ", to_string(type), " '", name, "'");
  }
  return {};
}

Result<std::string> read_link_at(const Fd& dir, const std::string& name) {
  std::array<char, 4096> target;  // PATH_MAX: the kernel keeps no longer one
  const ssize_t length = ::readlinkat(dir.get(), name.c_str(), target.data(), target.size());
  if (length < 0) return errno_error("reading symbolic link '", name, "'");
  return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<> rename_at(const Fd& from_dir, const std::string& from, const Fd& to_dir, const std::string& to) {
  if (::renameat(from_dir.get(), from.c_str(), to_dir.get(), to.c_str()) < 0) {
    return errno_error("renaming '", from, "' to '", to, "'");
  }
  return {};
}

Result<> change_owner(const Fd& fd, uid_t uid, gid_t gid) {
  if (::fchown(fd.get(), uid, gid) < 0) return errno_error("changing the owner to ", uid, ":", gid);
  return {};
}

Result<> change_owner_at(const Fd& dir, const std::string& name, uid_t uid, gid_t gid) {
  if (::fchownat(dir.get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return errno_error("changing the owner of '", name, "' to ", uid, ":", gid);
  }
  return {};
}

Result<> change_mode(const Fd& fd, mode_t mode) {
  if (::fchmod(fd.get(), mode) < 0) return errno_error("changing the mode");
  return {};
}

Result<> change_mode_at(const Fd& dir, const std::string& name, mode_t mode) {
  if (::fchmodat(dir.get(), name.c_str(), mode, 0) < 0) return errno_error("changing the mode of '", name, "'");
  return {};
}

Result<> set_times(const Fd& fd, const Timestamp& moment) {
  const auto times = access_and_modification(moment);
  if (::futimens(fd.get(), times.data()) < 0) return errno_error("setting the modification time");
  return {};
}

Result<> set_times_at(const Fd& dir, const std::string& name, const Timestamp& moment) {
  const auto times = access_and_modification(moment);
  if (::utimensat(dir.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) < 0) {
    return errno_error("setting the modification time of '", name, "'");
  }
  return {};
}

Result<> set_xattr(const Fd& fd, const std::string& attribute, std::string_view value) {
  if (::fsetxattr(fd.get(), attribute.c_str(), value.data(), value.size(), 0) < 0) {
    return errno_error("setting extended attribute '", attribute, "'");
  }
  return {};
}

Result<> set_xattr_at(const Fd& dir, const std::string& name, const std::string& attribute, std::string_view value) {
  const std::string path = concat("/proc/self/fd/", dir.get(), '/', name);
  if (::lsetxattr(path.c_str(), attribute.c_str(), value.data(), value.size(), 0) < 0) {
    return errno_error("setting extended attribute '", attribute, "' of '", name, "'");
  }
  return {};
}

Result<std::optional<std::string>> get_xattr(const Fd& fd, const std::string& attribute) {
  std::string value(256, '\0');
  for (;;) {
    const ssize_t size = ::fgetxattr(fd.get(), attribute.c_str(), value.data(), value.size());
    if (size >= 0) {
      value.resize(static_cast<std::size_t>(size));
      return std::optional<std::string>(std::move(value));
    }
    if (errno == ENODATA || errno == EOPNOTSUPP) return std::optional<std::string>();
    // 64 KiB is the most the kernel hands out (XATTR_SIZE_MAX).
    if (errno != ERANGE || value.size() >= 65536) return errno_error("reading extended attribute '", attribute, "'");
    value.resize(65536);
  }
}

Result<> resize(const Fd& fd, std::uint64_t size) {
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) < 0) return errno_error("setting the size to ", size);
  return {};
}

Result<> write_at(const Fd& fd, std::span<const char> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno_error("writing");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return {};
}

Result<std::size_t> read_at(const Fd& fd, std::span<char> buffer, std::uint64_t offset) {
  for (;;) {
    const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return errno_error("reading at offset ", offset);
  }
}

Result<> sync_file_system(const Fd& fd) {
  if (::syncfs(fd.get()) < 0) return errno_error("syncing the file system");
  return {};
}

Result<> clear_umask_of_thread() {
  if (::unshare(CLONE_FS) < 0) return errno_error("giving a thread its own umask");
  ::umask(0);
  return {};
}

}  // namespace tank::sys
