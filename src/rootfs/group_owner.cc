#include "rootfs/group_owner.h"

#include <fcntl.h>

#include "sys/file.h"
#include "sys/node.h"

namespace tank::rootfs {

namespace {

constexpr mode_t kFileBits = 0660;
constexpr mode_t kDirectoryBits = 02770;

mode_t wanted_bits(const sys::NodeStatus& node) {
  return node.type == sys::NodeStatus::Type::directory ? kDirectoryBits : kFileBits;
}

bool is_owned(const sys::NodeStatus& node, Id gid) {
  const mode_t bits = wanted_bits(node);
  return node.gid == gid.value && (node.mode & bits) == bits;
}

Result<> own_one(const sys::Fd& fd, const sys::NodeStatus& node, Id gid) {
  if (is_owned(node, gid)) return {};
  // chown(2) clears setuid and setgid of a file, so the mode comes after it.
  TRY(sys::set_node_owner(fd, sys::kSameUid, gid.value));
  // The mode of a link is not looked at by anybody and cannot be changed.
  if (node.type == sys::NodeStatus::Type::symlink) return {};
  return sys::set_node_mode(fd, node.mode | wanted_bits(node));
}

/// Every level holds a descriptor, and what stands in a volume is the workload's to make.
constexpr int kDeepest = 256;

Result<> own_below(const sys::Fd& dir, Id gid, int depth);

Result<> own_entry(const sys::Fd& dir, const std::string& name, Id gid, int depth) {
  const sys::Fd fd = TRY(sys::open_at(dir, name, O_PATH | O_NOFOLLOW));
  const sys::NodeStatus node = TRY(sys::node_of(fd));
  if (node.type == sys::NodeStatus::Type::directory) TRY(own_below(fd, gid, depth));
  return own_one(fd, node, gid);
}

Result<> own_below(const sys::Fd& dir, Id gid, int depth) {
  if (depth == kDeepest) {
    return error(Kind::invalid, "giving a volume to group ", gid.value, ": it is over ", kDeepest, " directories deep");
  }
  const std::vector<std::string> names = TRY(sys::list_dir(dir));
  for (const std::string& name : names) TRY(own_entry(dir, name, gid, depth + 1));
  return {};
}

}  // namespace

Result<> own_by_group(const std::filesystem::path& volume, Id gid) {
  const sys::Fd root = TRY(sys::open_path(volume, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  const sys::NodeStatus node = TRY(sys::node_of(root));
  if (is_owned(node, gid)) return {};
  TRY(own_below(root, gid, 0));
  return own_one(root, node, gid);
}

}  // namespace tank::rootfs
