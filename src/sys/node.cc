#include "sys/node.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

namespace tank::sys {

namespace {

NodeStatus::Type type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR: return NodeStatus::Type::directory;
    case S_IFLNK: return NodeStatus::Type::symlink;
    case S_IFCHR: return NodeStatus::Type::char_device;
    case S_IFBLK: return NodeStatus::Type::block_device;
    case S_IFIFO: return NodeStatus::Type::fifo;
    case S_IFSOCK: return NodeStatus::Type::socket;
    default: return NodeStatus::Type::regular;
  }
}

NodeStatus to_node(const struct stat& found) {
  return {type_of(found.st_mode), found.st_mode & 07777, found.st_uid, found.st_gid, found.st_rdev, found.st_size};
}

}  // namespace

Result<NodeStatus> node_of(const Fd& fd) {
  struct stat found {};
  if (::fstat(fd.get(), &found) < 0) return errno_error("reading a file's attributes");
  return to_node(found);
}

Result<std::optional<NodeStatus>> find_node_at(const Fd& dir, const std::string& name) {
  struct stat found {};
  if (::fstatat(dir.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0)
    return std::optional<NodeStatus>(to_node(found));
  if (errno == ENOENT) return std::optional<NodeStatus>();
  return errno_error("reading the attributes of '", name, "'");
}

Result<std::optional<NodeStatus>> find_node(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) return std::optional<NodeStatus>(to_node(found));
  if (errno == ENOENT || errno == ENOTDIR) return std::optional<NodeStatus>();
  return errno_error("reading the attributes of '", path, "'");
}

Result<std::string> link_target_at(const Fd& dir, const std::string& name) {
  // PATH_MAX bounds a link's target, its ending NUL included.
  std::array<char, 4096> target;
  const ssize_t length = ::readlinkat(dir.get(), name.c_str(), target.data(), target.size());
  if (length < 0) return errno_error("reading symbolic link '", name, "'");
  return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<std::optional<std::string>> find_xattr(const Fd& fd, const std::string& name) {
  std::array<char, 256> value;
  const ssize_t length = ::fgetxattr(fd.get(), name.c_str(), value.data(), value.size());
  if (length >= 0) return std::optional<std::string>(std::string(value.data(), static_cast<std::size_t>(length)));
  if (errno == ENODATA || errno == EOPNOTSUPP) return std::optional<std::string>();
  return errno_error("reading extended attribute '", name, "'");
}

Result<> set_node_owner(const Fd& fd, uid_t uid, gid_t gid) {
  if (::fchownat(fd.get(), "", uid, gid, AT_EMPTY_PATH) < 0) return errno_error("changing a file's owner");
  return {};
}

Result<> set_node_mode(const Fd& fd, mode_t mode) {
  // fchmod(2) refuses O_PATH; the descriptor's own magic link does not.
  const std::string self = concat("/proc/self/fd/", fd.get());
  if (::chmod(self.c_str(), mode) < 0) return errno_error("changing a file's mode");
  return {};
}

}  // namespace tank::sys
