#include "sys/mount.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace tank::sys {

static_assert(mount_attribute::kReadonly == MOUNT_ATTR_RDONLY && mount_attribute::kNoSuid == MOUNT_ATTR_NOSUID &&
              mount_attribute::kNoDevices == MOUNT_ATTR_NODEV && mount_attribute::kNoExecute == MOUNT_ATTR_NOEXEC &&
              mount_attribute::kAccessTime == MOUNT_ATTR__ATIME &&
              mount_attribute::kNoAccessTime == MOUNT_ATTR_NOATIME &&
              mount_attribute::kStrictAccessTime == MOUNT_ATTR_STRICTATIME &&
              mount_attribute::kNoDirectoryAccessTime == MOUNT_ATTR_NODIRATIME &&
              mount_attribute::kNoSymlinks == MOUNT_ATTR_NOSYMFOLLOW);
static_assert(kProcMagic == PROC_SUPER_MAGIC && kCgroup2Magic == CGROUP2_SUPER_MAGIC &&
              kDevptsMagic == DEVPTS_SUPER_MAGIC);

namespace {

using FdPath = std::array<char, 32>;

/// The one name of a descriptor that mount(2) takes. The host's /proc is trusted; a container's is never asked.
FdPath path_of(const Fd& fd) {
  FdPath path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd.get());
  return path;
}

Result<MountFd> clone_from(int dir, const char* path, unsigned flags, Recursive recursive) {
  flags |= OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  if (recursive == Recursive::yes) flags |= AT_RECURSIVE;
  const int number = ::open_tree(dir, path, flags);
  if (number < 0) return errno_error("cloning the mount at '", path, "'");
  return MountFd(number);
}

/// What the file system itself says about a bad option: it knows better than EINVAL.
std::string complaint_of(const Fd& context) {
  std::array<char, 256> text{};
  const ssize_t size = ::read(context.get(), text.data(), text.size() - 1);
  return size > 2 ? std::string(text.data() + 2, static_cast<std::size_t>(size) - 2) : std::string();
}

Error configuration_error(const Fd& context, const char* type, const char* key) {
  const int number = errno;
  std::string complaint = complaint_of(context);
  while (!complaint.empty() && complaint.back() == '\n') complaint.pop_back();
  if (!complaint.empty()) complaint = concat(" (", complaint, ")");
  return Error::from_errno(number, concat("setting up a ", type, " file system, option '", key, "'", complaint));
}

}  // namespace

Result<> follow_host_mounts() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0) return errno_error("following the host's mounts");
  return {};
}

Result<> make_mounts_private() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return errno_error("making all mounts private");
  return {};
}

Result<> mount_overlay(const char* target, const char* options) {
  if (::mount("overlay", target, "overlay", 0, options) < 0) {
    return errno_error("mounting the overlay at '", target, "'");
  }
  return {};
}

Result<MountFd> make_filesystem(const char* type, const std::vector<FilesystemOption>& options,
                                std::uint64_t attributes) {
  const Fd context(::fsopen(type, FSOPEN_CLOEXEC));
  if (!context.is_open()) return errno_error("opening file system type '", type, "'");
  for (const FilesystemOption& option : options) {
    const auto command = option.value == nullptr ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    if (::fsconfig(context.get(), command, option.key, option.value, 0) < 0) {
      return configuration_error(context, type, option.key);
    }
  }
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
    return configuration_error(context, type, "create");
  }
  const int number = ::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
  if (number < 0) return errno_error("making a mount of a ", type, " file system");
  return MountFd(number);
}

Result<MountFd> clone_mount(const Fd& source, Recursive recursive) {
  return clone_from(source.get(), "", AT_EMPTY_PATH, recursive);
}

Result<MountFd> clone_mount_at(const char* source, Recursive recursive) {
  return clone_from(AT_FDCWD, source, 0, recursive);
}

Result<> change_mount(const Fd& mount, std::uint64_t set, std::uint64_t clear, Recursive recursive) {
  mount_attr change{};
  change.attr_set = set;
  change.attr_clr = clear;
  const unsigned flags = AT_EMPTY_PATH | (recursive == Recursive::yes ? AT_RECURSIVE : 0U);
  if (::mount_setattr(mount.get(), "", flags, &change, sizeof change) < 0) {
    return errno_error("changing the attributes of a mount");
  }
  return {};
}

Result<> attach_mount(const MountFd& mount, const Fd& target) {
  if (::move_mount(mount.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
    return errno_error("attaching a mount");
  }
  return {};
}

Result<> bind_mount(const Fd& source, const Fd& target) {
  if (::mount(path_of(source).data(), path_of(target).data(), nullptr, MS_BIND, nullptr) < 0) {
    return errno_error("bind mounting");
  }
  return {};
}

Result<> pivot_root_to(const Fd& root) {
  if (::fchdir(root.get()) < 0) return errno_error("entering the new root");
  // pivot_root(2): with "." twice the old root ends up mounted over the new one, where the same "." detaches it.
  if (::syscall(SYS_pivot_root, ".", ".") < 0) return errno_error("pivoting into the new root");
  if (::umount2(".", MNT_DETACH) < 0) return errno_error("detaching the old root");
  if (::chdir("/") < 0) return errno_error("entering the root after the pivot");
  return {};
}

Result<std::int64_t> filesystem_magic(const Fd& fd) {
  struct statfs about {};
  if (::fstatfs(fd.get(), &about) < 0) return errno_error("asking a descriptor for its file system");
  return static_cast<std::int64_t>(about.f_type);
}

}  // namespace tank::sys
