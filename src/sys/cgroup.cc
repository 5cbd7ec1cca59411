#include "sys/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "base/parse.h"
#include "sys/file.h"

namespace tank::sys {

namespace {

constexpr std::size_t kMostBytes = 16 << 20;
constexpr int kLongestSleep = 50;  // milliseconds

/// Rounded up, so that a wait never turns into a spin over its last millisecond.
int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

Result<std::vector<pid_t>> parse_processes(std::string_view text) {
  std::vector<pid_t> processes;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto pid = parse_integer<pid_t>(text.substr(0, end), 0);
    if (!pid) return error(Kind::corrupt, "reading cgroup.procs: '", text.substr(0, end), "' is no process id");
    // 0 stands for a process outside our pid namespace.
    if (*pid != 0) processes.push_back(*pid);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return processes;
}

bool is_gone(int number) { return number == ENOENT || number == ENODEV; }

}  // namespace

Result<std::vector<std::string>> list_subdirectories(const Fd& dir) {
  const int copy = ::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return errno_error("opening a cgroup to list it");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), &::closedir);
  if (!stream) {
    ::close(copy);
    return errno_error("listing a cgroup");
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return errno_error("listing a cgroup");
  return names;
}

Result<> remove_cgroup(const Fd& parent, const std::string& name) {
  if (::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) == 0 || is_gone(errno)) return {};
  // A cgroup with children says EBUSY, or ENOTEMPTY from the layer below it.
  if (errno == ENOTEMPTY) errno = EBUSY;
  return errno_error("removing cgroup '", name, "'");
}

Result<> remove_cgroup(const std::string& path) { return remove_cgroup(Fd(), path); }

Result<std::vector<pid_t>> list_cgroup_processes(const Fd& cgroup) {
  const Result<Fd> file = open_at(cgroup, "cgroup.procs", O_RDONLY);
  if (!file && is_gone(file.error().number())) return std::vector<pid_t>{};
  if (!file) return file.error();
  const Result<std::string> text = read_all(*file, kMostBytes);
  // A threaded cgroup keeps its list of processes in the domain above it, where we look as well.
  if (!text && (text.error().number() == EOPNOTSUPP || is_gone(text.error().number()))) return std::vector<pid_t>{};
  if (!text) return Error(text.error()).while_doing("cgroup.procs");
  return parse_processes(*text);
}

Result<> kill_cgroup(const Fd& cgroup) { return write_once(cgroup, "cgroup.kill", "1"); }

Result<> kill_cgroup_processes(const Fd& cgroup, std::vector<PidFd>& killed) {
  const std::vector<pid_t> first = TRY(list_cgroup_processes(cgroup));
  if (first.empty()) return {};
  std::vector<std::pair<pid_t, PidFd>> held;
  for (const pid_t pid : first) {
    const long number = ::syscall(SYS_pidfd_open, pid, 0);
    if (number >= 0) held.emplace_back(pid, PidFd(static_cast<int>(number)));
    if (number < 0 && errno != ESRCH) return errno_error("opening process ", pid);
  }
  // Between the list and the descriptor the number may have passed on to a stranger. Whoever is listed again, now that
  // we hold it, is a member or has ended: then the signal finds nobody.
  const std::vector<pid_t> second = TRY(list_cgroup_processes(cgroup));
  for (auto& [pid, process] : held) {
    if (std::find(second.begin(), second.end(), pid) == second.end()) continue;
    if (::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) < 0 && errno != ESRCH) {
      return errno_error("killing process ", pid);
    }
    killed.push_back(std::move(process));
  }
  return {};
}

Result<bool> wait_unpopulated(const Fd& cgroup, Deadline deadline) {
  const Fd events = TRY(open_at(cgroup, "cgroup.events", O_RDONLY));
  for (;;) {
    std::array<char, 256> buffer{};
    const ssize_t got = ::pread(events.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && is_gone(errno)) return true;
    if (got < 0) return errno_error("reading cgroup.events");
    const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    if (text.find("populated 0") != std::string_view::npos) return true;
    // kernfs signals a change since the last read by POLLPRI, but wakes nobody when the file goes away: the cgroup may
    // be removed by somebody else before a signal that the kernel holds back (it sends one in 10 ms) was sent.
    pollfd wait{events.get(), POLLPRI, 0};
    const int woken = ::poll(&wait, 1, std::min(milliseconds_until(deadline), kLongestSleep));
    if (woken < 0 && errno != EINTR) return errno_error("waiting for cgroup.events");
    if (woken == 0 && std::chrono::steady_clock::now() >= deadline) return false;
  }
}

Result<bool> wait_ended(const std::vector<PidFd>& processes, Deadline deadline) {
  for (const PidFd& process : processes) {
    for (;;) {
      pollfd wait{process.get(), POLLIN, 0};
      const int woken = ::poll(&wait, 1, milliseconds_until(deadline));
      if (woken > 0) break;
      if (woken == 0) return false;
      if (errno != EINTR) return errno_error("waiting for a process to end");
    }
  }
  return true;
}

}  // namespace tank::sys
