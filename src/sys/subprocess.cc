#include "sys/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "sys/fd.h"

namespace tank::sys {

namespace {

using Clock = std::chrono::steady_clock;

struct Pair {
  Fd ours;
  Fd theirs;
};

// A socket pair rather than a pipe: MSG_NOSIGNAL spares the caller SIGPIPE when the program does not read its input.
Result<Pair> make_pair() {
  int numbers[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers) < 0) return errno_error("creating a socket pair");
  return Pair{Fd(numbers[0]), Fd(numbers[1])};
}

class Actions {
 public:
  Actions(const Fd& in, const Fd& out) {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawn_file_actions_adddup2(&files_, in.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files_, out.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&files_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Actions() {
    ::posix_spawn_file_actions_destroy(&files_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

Result<pid_t> spawn(const std::vector<std::string>& argv, const Fd& in, const Fd& out) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const Actions actions(in, out);
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, words[0], actions.files(), actions.attributes(), words.data(), ::environ);
  if (failure != 0) return Error::from_errno(failure, concat("starting '", argv[0], "'"));
  return pid;
}

Result<> wait_readable(const Fd& fd, Clock::time_point deadline, const std::string& name) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{fd.get(), POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready == 0) return error(Kind::timeout, "running '", name, "': it did not finish in time");
    if (errno != EINTR) return errno_error("waiting for '", name, "'");
  }
}

Result<std::string> read_output(const Fd& fd, std::size_t limit, Clock::time_point deadline, const std::string& name) {
  std::string out;
  std::array<char, 4096> buffer;
  for (;;) {
    TRY(wait_readable(fd, deadline, name));
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    // A peer that left unread input behind resets the pair; what it said came before that.
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return out;
    if (got < 0) return errno_error("reading from '", name, "'");
    if (out.size() + static_cast<std::size_t>(got) > limit) {
      return error(Kind::invalid, "running '", name, "': it says more than ", limit, " bytes");
    }
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<int> reap(pid_t pid, const std::string& name) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) < 0) {
    if (errno != EINTR) return errno_error("waiting for '", name, "'");
  }
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace

Result<Captured> capture(const std::vector<std::string>& argv, std::string_view input, std::size_t limit,
                         std::chrono::milliseconds patience) {
  if (argv.empty()) return error(Kind::bug, "running nothing");
  if (input.size() > 65536) return error(Kind::invalid, "running '", argv[0], "': its input is over 64 KiB");
  const auto deadline = Clock::now() + patience;
  Pair in = TRY(make_pair());
  Pair out = TRY(make_pair());
  const pid_t pid = TRY(spawn(argv, in.theirs, out.theirs));
  // The child is not reaped yet, so its pid cannot mean anybody else. (glibc 2.36 declares these two without extern
  // "C".)
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  in.theirs.reset();
  out.theirs.reset();

  // Fits the socket's buffer, so this cannot wait for the program.
  (void)::send(in.ours.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(in.ours.get(), SHUT_WR);
  Result<std::string> said = read_output(out.ours, limit, deadline, argv[0]);
  if (said && process.is_open()) {
    const Result<> ended = wait_readable(process, deadline, argv[0]);
    if (!ended) said = ended.error();
  }
  if (!said && process.is_open()) ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  const int code = TRY(reap(pid, argv[0]));
  if (!said) return said.error();
  return Captured{code, *std::move(said)};
}

}  // namespace tank::sys
