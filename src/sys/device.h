// Device nodes and links below a directory descriptor, and what kind of file a descriptor is.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

struct Node {
  mode_t mode = 0;  ///< with the type: S_IFCHR and permission bits
  unsigned major = 0;
  unsigned minor = 0;
};

/// mknodat(2) with exactly this mode. A node of the same kind and numbers in its place is success. Kind::denied: this
/// user namespace may not make nodes.
Result<> make_node_at(const Fd& directory, const char* name, const Node& node);
/// symlinkat(2); something in its place already is success.
Result<> make_link_at(const Fd& directory, const char* name, const char* target);

struct FileKind {
  mode_t mode = 0;
  unsigned major = 0;
  unsigned minor = 0;

  bool is_directory() const { return (mode & 0170000) == 0040000; }
  /// Character device 1:3, the null device.
  bool is_null_device() const { return (mode & 0170000) == 0020000 && major == 1 && minor == 3; }
  bool is_pipe_or_socket() const { return (mode & 0170000) == 0010000 || (mode & 0170000) == 0140000; }
};
Result<FileKind> kind_of(const Fd& fd);
Result<FileKind> kind_of(int fd);
/// fchown(2) to the user; the group stays.
Result<> give_to_user(int fd, uid_t uid);

}  // namespace tank::sys
