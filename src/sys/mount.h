// Mounts by descriptor: the new mount API where a descriptor is worth having, mount(2) where one call does it. Nothing
// here resolves a target path that somebody else could have changed; targets are descriptors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// Attributes of one mount, as mount_setattr(2) has them (checked against the system's header in mount.cc).
namespace mount_attribute {
inline constexpr std::uint64_t kReadonly = 0x1;
inline constexpr std::uint64_t kNoSuid = 0x2;
inline constexpr std::uint64_t kNoDevices = 0x4;
inline constexpr std::uint64_t kNoExecute = 0x8;
inline constexpr std::uint64_t kAccessTime = 0x70;  ///< the field; relatime is 0 in it
inline constexpr std::uint64_t kNoAccessTime = 0x10;
inline constexpr std::uint64_t kStrictAccessTime = 0x20;
inline constexpr std::uint64_t kNoDirectoryAccessTime = 0x80;
inline constexpr std::uint64_t kNoSymlinks = 0x200000;
inline constexpr std::uint64_t kAll = 0x2000FF;
}  // namespace mount_attribute

inline constexpr std::int64_t kProcMagic = 0x9fa0;
inline constexpr std::int64_t kCgroup2Magic = 0x63677270;
inline constexpr std::int64_t kDevptsMagic = 0x1cd1;

enum class Recursive : std::uint8_t { no, yes };

/// A file system parameter; without a value it is a flag.
struct FilesystemOption {
  const char* key = nullptr;
  const char* value = nullptr;
};

/// Cuts every mount of this namespace off from events of, and to, the namespace it was copied from.
Result<> make_mounts_private();
/// Lets mounts and unmounts of the namespace this one was copied from come in, and none of ours go out.
Result<> follow_host_mounts();
/// mount(2) of an overlay at a host path of Tank's own. `options` may name its directories relative to the working
/// directory.
Result<> mount_overlay(const char* target, const char* options);
/// A new file system, attached nowhere yet: fsopen(2), fsconfig(2), fsmount(2).
Result<MountFd> make_filesystem(const char* type, const std::vector<FilesystemOption>& options,
                                std::uint64_t attributes);
/// A detached copy of the mount at `source` (open_tree(2)); a descriptor or a host path.
Result<MountFd> clone_mount(const Fd& source, Recursive recursive);
Result<MountFd> clone_mount_at(const char* source, Recursive recursive);
/// mount_setattr(2): clears, then sets.
Result<> change_mount(const Fd& mount, std::uint64_t set, std::uint64_t clear, Recursive recursive);
/// move_mount(2) of a detached mount onto what `target` refers to.
Result<> attach_mount(const MountFd& mount, const Fd& target);
/// A bind mount of exactly what `source` refers to, with its attributes, onto exactly what `target` refers to.
Result<> bind_mount(const Fd& source, const Fd& target);
/// Makes `root`, a mount point, the root directory, and detaches the old root with all that was mounted on it.
Result<> pivot_root_to(const Fd& root);
/// f_type of the file system, as statfs(2) has it.
Result<std::int64_t> filesystem_magic(const Fd& fd);

}  // namespace tank::sys
