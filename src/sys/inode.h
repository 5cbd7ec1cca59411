// Making inodes and describing them, relative to a directory descriptor and never through a symbolic link at the last
// component. What unpacking a layer or laying out a root needs; opening, locking and removing stand in sys/file.h.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

enum class FileType : std::uint8_t { regular, directory, symlink, character, block, fifo, socket };

/// Seconds since the epoch, and nanoseconds within the second.
struct Timestamp {
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  bool operator==(const Timestamp&) const = default;
};

/// What stat(2) says.
struct FileStatus {
  FileType type = FileType::regular;
  mode_t mode = 0;  ///< the twelve permission bits alone
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t size = 0;
  std::uint64_t blocks = 0;  ///< of 512 bytes, really allocated
  std::uint64_t links = 0;
  std::uint64_t filesystem = 0;
  std::uint64_t inode = 0;
  unsigned device_major = 0;  ///< of a character or block device
  unsigned device_minor = 0;
  Timestamp modified;
};

Result<FileStatus> status_of(const Fd& fd);
/// fstatat(2), AT_SYMLINK_NOFOLLOW.
Result<FileStatus> status_at(const Fd& dir, const std::string& name);
std::string_view to_string(FileType type);

Result<> make_symlink_at(const Fd& dir, const std::string& name, const std::string& target);
/// linkat(2): a second name for an inode; a symbolic link is linked itself, not what it points to.
Result<> make_link_at(const Fd& existing_dir, const std::string& existing, const Fd& dir, const std::string& name);
/// mknodat(2) for fifos and devices. `device_major` and `device_minor` count for devices only.
Result<> make_node_at(const Fd& dir, const std::string& name, FileType type, mode_t mode, unsigned device_major = 0,
                      unsigned device_minor = 0);
/// readlinkat(2), the whole target.
Result<std::string> read_link_at(const Fd& dir, const std::string& name);
Result<> rename_at(const Fd& from_dir, const std::string& from, const Fd& to_dir, const std::string& to);

Result<> change_owner(const Fd& fd, uid_t uid, gid_t gid);
Result<> change_owner_at(const Fd& dir, const std::string& name, uid_t uid, gid_t gid);
Result<> change_mode(const Fd& fd, mode_t mode);
/// fchmodat(2) follows symbolic links: only for a name known to be none.
Result<> change_mode_at(const Fd& dir, const std::string& name, mode_t mode);
/// Access and modification time, both to the same moment.
Result<> set_times(const Fd& fd, const Timestamp& moment);
Result<> set_times_at(const Fd& dir, const std::string& name, const Timestamp& moment);

Result<> set_xattr(const Fd& fd, const std::string& attribute, std::string_view value);
/// For what cannot be opened: symbolic links, fifos, devices. lsetxattr(2) by way of /proc/self/fd.
Result<> set_xattr_at(const Fd& dir, const std::string& name, const std::string& attribute, std::string_view value);
/// The value, or nothing when the inode has no such attribute (or its file system knows none).
Result<std::optional<std::string>> get_xattr(const Fd& fd, const std::string& attribute);

/// ftruncate(2).
Result<> resize(const Fd& fd, std::uint64_t size);
/// pwrite(2) until all is written.
Result<> write_at(const Fd& fd, std::span<const char> bytes, std::uint64_t offset);
/// pread(2): how many bytes came, 0 at the end of the file.
Result<std::size_t> read_at(const Fd& fd, std::span<char> buffer, std::uint64_t offset);
/// syncfs(2): all the file system holds unwritten.
Result<> sync_file_system(const Fd& fd);

/// Gives the calling thread an umask of its own and sets it to 0, so that modes given to open, mkdir and mknod are
/// taken as they are. For threads that end with their work: there is no way back (unshare(2), CLONE_FS).
Result<> clear_umask_of_thread();

}  // namespace tank::sys
