#include "support/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace tank::test {

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& doing) { throw std::runtime_error(doing + ": " + std::strerror(errno)); }

struct Pipe {
  sys::Fd read;
  sys::Fd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) fail("making a pipe");
  return {sys::Fd(ends[0]), sys::Fd(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
  const auto key_of = [](std::string_view line) { return line.substr(0, line.find('=')); };
  std::vector<std::string> env = added;
  for (char** line = environ; *line != nullptr; ++line) {
    const auto same = [&](const std::string& other) { return key_of(other) == key_of(*line); };
    if (std::none_of(added.begin(), added.end(), same)) env.emplace_back(*line);
  }
  return env;
}

std::string find_in_path(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::string(name);
  const char* variable = ::getenv("PATH");
  std::string_view path = variable != nullptr ? variable : "/usr/sbin:/usr/bin:/sbin:/bin";
  while (!path.empty()) {
    const std::size_t colon = std::min(path.find(':'), path.size());
    const std::string candidate = std::string(path.substr(0, colon)) + "/" + std::string(name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    path.remove_prefix(std::min(colon + 1, path.size()));
  }
  return "";
}

struct Prepared {
  std::string program;
  std::vector<char*> argv;
  std::vector<char*> envp;
  const char* cwd;
  std::array<int, 3> stdio;
  pid_t parent;
};

// Between fork and exec: prepared data and direct calls only, since another thread may have held any lock.
[[noreturn]] void become(const Prepared& it) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != it.parent) ::_exit(127);
  for (int number = 0; number < 3; ++number) {
    if (::dup2(it.stdio[static_cast<std::size_t>(number)], number) < 0) ::_exit(127);
  }
  // Whatever the test was started with is none of the child's business.
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (it.cwd != nullptr && ::chdir(it.cwd) < 0) ::_exit(127);
  ::execve(it.program.c_str(), it.argv.data(), it.envp.data());
  ::_exit(127);
}

}  // namespace

std::string to_string(const Outcome& outcome) {
  std::string text = outcome.timed_out     ? "timed out"
                     : outcome.signum != 0 ? "signal " + std::to_string(outcome.signum)
                                           : "exit " + std::to_string(outcome.code);
  if (!outcome.out.empty()) text += "\n--- stdout\n" + outcome.out;
  if (!outcome.err.empty()) text += "\n--- stderr\n" + outcome.err;
  return text;
}

Child::Child(const Command& command) {
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  const std::vector<std::string> env = merged_environment(command.env);
  const Prepared prepared{find_in_path(command.argv.at(0)),
                          pointers(command.argv),
                          pointers(env),
                          command.cwd.empty() ? nullptr : command.cwd.c_str(),
                          {in.read.get(), out.write.get(), err.write.get()},
                          ::getpid()};
  if (prepared.program.empty()) throw std::runtime_error("no program named '" + command.argv.at(0) + "' in PATH");
  pid_ = ::fork();
  if (pid_ < 0) fail("forking");
  if (pid_ == 0) become(prepared);
  // Not reaped yet, so the pid still names the child.
  process_ = sys::PidFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!process_.is_open()) fail("opening a pidfd");
  in_ = std::move(in.write);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  for (const sys::Fd* fd : {&out_, &err_}) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
}

Child::~Child() {
  if (!process_.is_open() || ended_) return;
  signal(SIGKILL);
  reap();
}

void Child::signal(int signum) { ::syscall(SYS_pidfd_send_signal, process_.get(), signum, nullptr, 0); }

void Child::write(std::string_view text) {
  // A program that ends without reading all must not end the test.
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  while (!text.empty()) {
    const ssize_t done = ::write(in_.get(), text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) break;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  std::signal(SIGPIPE, before);
}

void Child::drain(sys::Fd& from, std::string& into) {
  std::array<char, 65536> buffer;
  while (from.is_open()) {
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;  // EAGAIN: no more for now
    if (got == 0) return from.reset();
    into.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void Child::reap() {
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &info, WEXITED) < 0 && errno == EINTR) {
  }
  ended_ = true;
  if (info.si_code == CLD_EXITED) {
    outcome_.code = info.si_status;
  } else {
    outcome_.signum = info.si_status;
  }
}

bool Child::pump(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  std::array<pollfd, 3> fds{{{process_.get(), POLLIN, 0}, {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::max<long long>(left, 0)));
  if (ready < 0 && errno == EINTR) return true;
  if (ready <= 0) return false;
  drain(out_, outcome_.out);
  drain(err_, outcome_.err);
  if ((fds[0].revents & POLLIN) == 0) return true;
  reap();
  // What it wrote last may have come between the drain and its end.
  drain(out_, outcome_.out);
  drain(err_, outcome_.err);
  return true;
}

std::optional<std::string> Child::wait_for_output(Stream stream, std::string_view text,
                                                  std::chrono::milliseconds patience) {
  const Deadline deadline = Clock::now() + patience;
  const std::string& seen = stream == Stream::out ? outcome_.out : outcome_.err;
  while (seen.find(text) == std::string::npos) {
    if (ended_ || !pump(deadline)) return std::nullopt;
  }
  return seen;
}

Outcome Child::finish(std::chrono::milliseconds patience) {
  const Deadline deadline = Clock::now() + patience;
  in_.reset();
  while (!ended_) {
    if (pump(deadline)) continue;
    outcome_.timed_out = true;
    signal(SIGKILL);
    reap();
    drain(out_, outcome_.out);
    drain(err_, outcome_.err);
  }
  return outcome_;
}

Outcome run(const Command& command) {
  Child child(command);
  child.write(command.in);
  return child.finish(command.patience);
}

Outcome run(std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  return run(command);
}

bool has_program(std::string_view name) { return !find_in_path(name).empty(); }

}  // namespace tank::test
