#include "sys/tmpfs.h"

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

namespace tank::sys {

namespace {

Result<> set_option(const Fd& context, const char* key, const std::string& value) {
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0) return {};
  return errno_error("making a tmpfs with ", key, "=", value);
}

std::string octal(mode_t mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%o", mode);
  return text.data();
}

}  // namespace

Result<MountFd> make_tmpfs(const TmpfsOptions& options) {
  const Fd context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context.is_open()) return errno_error("making a tmpfs");
  if (options.size != 0) TRY(set_option(context, "size", std::to_string(options.size)));
  TRY(set_option(context, "mode", octal(options.mode)));
  TRY(set_option(context, "gid", std::to_string(options.gid)));
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
    return errno_error("making a tmpfs");
  }
  const long mount = ::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  if (mount < 0) return errno_error("making a tmpfs");
  return MountFd(static_cast<int>(mount));
}

}  // namespace tank::sys
