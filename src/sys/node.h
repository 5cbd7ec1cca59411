// What a path is rather than what is in it: type, owner, mode, link target, extended attributes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// The parts of struct stat that decisions are made on.
struct NodeStatus {
  enum class Type : std::uint8_t { regular, directory, symlink, char_device, block_device, fifo, socket };
  Type type = Type::regular;
  mode_t mode = 0;  ///< the twelve permission bits
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t device_number = 0;  ///< of a device node; 0 is 0:0
  std::int64_t size = 0;
};

/// fstat(2); the descriptor may be O_PATH.
Result<NodeStatus> node_of(const Fd& fd);
/// fstatat(2), not following a link; nothing when there is no such name.
Result<std::optional<NodeStatus>> find_node_at(const Fd& dir, const std::string& name);
/// stat(2) of a host path, following links; nothing when it is not there, be it for a file in the middle of the path.
Result<std::optional<NodeStatus>> find_node(const std::string& path);

/// readlinkat(2), the whole target.
Result<std::string> link_target_at(const Fd& dir, const std::string& name);

/// fgetxattr(2) of a short value; nothing when it is not set or not supported there.
Result<std::optional<std::string>> find_xattr(const Fd& fd, const std::string& name);

constexpr uid_t kSameUid = static_cast<uid_t>(-1);
/// fchownat(2) with AT_EMPTY_PATH: the descriptor may be O_PATH, of a link too.
Result<> set_node_owner(const Fd& fd, uid_t uid, gid_t gid);
/// chmod(2) of what the descriptor, which may be O_PATH but not of a link, refers to.
Result<> set_node_mode(const Fd& fd, mode_t mode);

}  // namespace tank::sys
