#include "sys/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/parse.h"
#include "sys/file.h"

namespace tank::sys {

Result<std::uint64_t> start_time(pid_t pid) {
  const std::string stat = TRY(read_file(concat("/proc/", pid, "/stat"), 4096));
  // The command name may hold anything, also ") "; the last ')' ends it. Field 3 follows.
  std::string_view rest = stat;
  const std::size_t name_end = rest.rfind(')');
  if (name_end == std::string_view::npos) return error(Kind::corrupt, "reading /proc/", pid, "/stat: no command name");
  rest.remove_prefix(name_end + 2);
  for (int field = 3; field < 22; ++field) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return error(Kind::corrupt, "reading /proc/", pid, "/stat: too few fields");
    rest.remove_prefix(space + 1);
  }
  const auto ticks = parse_integer<std::uint64_t>(rest.substr(0, rest.find(' ')));
  if (!ticks) return error(Kind::corrupt, "reading /proc/", pid, "/stat: no start time");
  return *ticks;
}

Result<PidFd> open_process(pid_t pid, std::uint64_t started) {
  const long number = ::syscall(SYS_pidfd_open, pid, 0U);
  if (number < 0) return errno_error("opening process ", pid);
  PidFd process(static_cast<int>(number));
  // Checked after the pidfd is held: from here on the number cannot change its meaning.
  const std::uint64_t actual = TRY(start_time(pid));
  if (actual != started) return error(Kind::not_found, "opening process ", pid, ": it is a later one");
  return process;
}

Result<> kill_process(const PidFd& process) {
  if (::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0U) == 0 || errno == ESRCH) return {};
  return errno_error("killing a process");
}

}  // namespace tank::sys
