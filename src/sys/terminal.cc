#include "sys/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include "sys/mount.h"

namespace tank::sys {

Result<Terminal> open_terminal(const Fd& devpts) {
  Fd master(::openat(devpts.get(), "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW));
  if (!master.is_open()) return errno_error("opening ptmx");
  const std::int64_t magic = TRY(filesystem_magic(master));
  if (magic != kDevptsMagic) return error(Kind::invalid, "opening ptmx: it is not a devpts");
  const int unlocked = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) < 0) return errno_error("unlocking a terminal");
  Fd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave.is_open()) return errno_error("opening the other side of a terminal");
  return Terminal{std::move(master), std::move(slave)};
}

Result<> take_controlling_terminal(int terminal) {
  if (::ioctl(terminal, TIOCSCTTY, 0) < 0) return errno_error("making a terminal the controlling one");
  return {};
}

}  // namespace tank::sys
