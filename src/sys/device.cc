#include "sys/device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace tank::sys {

Result<> make_node_at(const Fd& directory, const char* name, const Node& node) {
  const dev_t number = makedev(node.major, node.minor);
  // The umask of the caller is 0: a chmod(2) afterwards would be one more call per node.
  if (::mknodat(directory.get(), name, node.mode, number) == 0) return {};
  if (errno != EEXIST) return errno_error("making device node '", name, "'");
  struct stat about {};
  if (::fstatat(directory.get(), name, &about, AT_SYMLINK_NOFOLLOW) < 0) return errno_error("looking at '", name, "'");
  if ((about.st_mode & S_IFMT) == (node.mode & S_IFMT) && about.st_rdev == number) return {};
  return Error::from_errno(EEXIST, concat("making device node '", name, "'"));
}

Result<> make_link_at(const Fd& directory, const char* name, const char* target) {
  if (::symlinkat(target, directory.get(), name) < 0 && errno != EEXIST) return errno_error("making link '", name, "'");
  return {};
}

Result<FileKind> kind_of(const Fd& fd) { return kind_of(fd.get()); }

Result<FileKind> kind_of(int fd) {
  struct stat about {};
  if (::fstat(fd, &about) < 0) return errno_error("asking what a descriptor is");
  return FileKind{about.st_mode, major(about.st_rdev), minor(about.st_rdev)};
}

Result<> give_to_user(int fd, uid_t uid) {
  if (::fchown(fd, uid, static_cast<gid_t>(-1)) < 0) return errno_error("giving a descriptor to user ", uid);
  return {};
}

}  // namespace tank::sys
