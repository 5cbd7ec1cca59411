// The verbs that do something. Each says what came of it in a word a test can compare.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include "json.h"
#include "probe.h"

namespace probe {

void say(int fd, const std::string& text) {
  const char* at = text.data();
  std::size_t left = text.size();
  while (left > 0) {
    const ssize_t done = ::write(fd, at, left);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;
    at += done;
    left -= static_cast<std::size_t>(done);
  }
}

namespace {

int failed(const char* doing, const char* what) {
  say(2, std::string(doing) + " " + what + ": " + strerrorname_np(errno) + "\n");
  return 1;
}

bool copy(int from, int to) {
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(from, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    say(to, std::string(buffer, static_cast<std::size_t>(got)));
  }
}

// From a socket to the newline or the end.
std::string read_line(int fd) {
  std::string line;
  char c = 0;
  while (::read(fd, &c, 1) == 1) {
    line += c;
    if (c == '\n') break;
  }
  return line;
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

bool parse_address(const char* host, const char* port, Address& out) {
  const auto number = htons(static_cast<std::uint16_t>(std::atoi(port)));
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (::inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = number;
    out.size = sizeof *v4;
    return true;
  }
  if (::inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = number;
    out.size = sizeof *v6;
    return true;
  }
  errno = EINVAL;
  return false;
}

int port_of(int socket) {
  Address own;
  own.size = sizeof own.storage;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&own.storage), &own.size);
  // The port stands at the same place in both families.
  return ntohs(reinterpret_cast<sockaddr_in*>(&own.storage)->sin_port);
}

}  // namespace

int exit_now(const Arguments& arguments) { std::_Exit(std::atoi(arguments.at(0))); }

int kill_self(const Arguments& arguments) {
  const int number = std::atoi(arguments.at(0));
  if (::getpid() != 1) std::signal(number, SIG_DFL);
  // As pid 1 of its namespace only a handler makes a signal of its own have any effect, and SIGKILL has none: then the
  // next verb runs, which is what the test sees.
  ::raise(number);
  return 0;
}

int pause_forever(const Arguments&) {
  for (;;) ::pause();
}

int ignore_signals(const Arguments& arguments) {
  for (int i = 0; i < arguments.count; ++i) std::signal(std::atoi(arguments.at(i)), SIG_IGN);
  return 0;
}

int until_signal(const Arguments& arguments) {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (int i = 0; i < arguments.count; ++i) ::sigaddset(&wanted, std::atoi(arguments.at(i)));
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  say(1, "awaiting\n");
  int got = 0;
  ::sigwait(&wanted, &got);
  say(1, "got " + std::to_string(got) + "\n");
  return 0;
}

int eat_memory(const Arguments& arguments) {
  const unsigned long long wanted = std::strtoull(arguments.at(0), nullptr, 10);
  auto* memory = static_cast<volatile char*>(std::malloc(wanted));
  if (memory == nullptr) return failed("allocating", arguments.at(0));
  for (unsigned long long at = 0; at < wanted; at += 4096) memory[at] = 1;
  say(1, "ate " + std::to_string(wanted) + "\n");
  return 0;
}

int fork_many(const Arguments& arguments) {
  const int wanted = std::atoi(arguments.at(0));
  std::vector<pid_t> children;
  const char* why = "all";
  while (static_cast<int>(children.size()) < wanted) {
    const pid_t child = ::fork();
    if (child == 0) pause_forever(arguments);
    if (child < 0) {
      why = strerrorname_np(errno);
      break;
    }
    children.push_back(child);
  }
  say(1, "forked " + std::to_string(children.size()) + " of " + std::to_string(wanted) + ": " + why + "\n");
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  return 0;
}

int burn_cpu(const Arguments& arguments) {
  const long wanted = std::atol(arguments.at(0));
  timespec from{};
  ::clock_gettime(CLOCK_MONOTONIC, &from);
  timespec used{};
  timespec used_at_start{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used_at_start);
  const auto milliseconds = [](const timespec& a, const timespec& b) {
    return (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
  };
  do {
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  } while (milliseconds(used_at_start, used) < wanted);
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  say(1, "burned " + std::to_string(wanted) + " in " + std::to_string(milliseconds(from, now)) + "\n");
  return 0;
}

int make_orphan(const Arguments&) {
  int report_pipe[2];
  if (::pipe(report_pipe) < 0) return failed("making", "a pipe");
  const pid_t child = ::fork();
  if (child < 0) return failed("forking", "a child");
  if (child == 0) {
    // Asked before the fork: afterwards it may be gone already, and pid 1 in its place.
    const pid_t parent = ::getpid();
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      // Ends only once its parent is gone, so that whoever is pid 1 has to reap it.
      while (::getppid() == parent) ::sched_yield();
      std::_Exit(0);
    }
    say(report_pipe[1], std::to_string(grandchild) + "\n");
    std::_Exit(0);
  }
  ::waitpid(child, nullptr, 0);
  ::close(report_pipe[1]);
  say(1, "orphan " + read_line(report_pipe[0]));
  ::close(report_pipe[0]);
  return 0;
}

int write_file(const Arguments& arguments) {
  const int fd = ::open(arguments.at(0), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return failed("opening", arguments.at(0));
  const std::size_t size = std::strlen(arguments.at(1));
  const bool whole = ::write(fd, arguments.at(1), size) == static_cast<ssize_t>(size);
  const int status = whole ? 0 : failed("writing", arguments.at(0));
  ::close(fd);
  return status;
}

int read_file(const Arguments& arguments) {
  const int fd = ::open(arguments.at(0), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed("opening", arguments.at(0));
  const int status = copy(fd, 1) ? 0 : failed("reading", arguments.at(0));
  ::close(fd);
  return status;
}

int print_out(const Arguments& arguments) {
  say(1, std::string(arguments.at(0)) + "\n");
  return 0;
}

int print_err(const Arguments& arguments) {
  say(2, std::string(arguments.at(0)) + "\n");
  return 0;
}

int copy_stdin(const Arguments&) { return copy(0, 1) ? 0 : failed("reading", "standard input"); }

int report_tty(const Arguments&) {
  Json json;
  json.open("", '{');
  for (int fd = 0; fd < 3; ++fd) {
    json.open(std::to_string(fd), '{');
    json.number("terminal", ::isatty(fd));
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0) {
      json.number("rows", size.ws_row);
      json.number("columns", size.ws_col);
    }
    json.number("foreground", ::tcgetpgrp(fd) == ::getpgrp());
    json.close('}');
  }
  const int controlling = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  json.text("dev_tty", controlling < 0 ? strerrorname_np(errno) : "ok");
  if (controlling >= 0) ::close(controlling);
  json.close('}');
  say(1, json.written() + "\n");
  return 0;
}

int try_open(const Arguments& arguments) {
  const std::string mode = arguments.at(1);
  const int flags = mode == "rw" ? O_RDWR : mode == "w" ? O_WRONLY : O_RDONLY;
  const int fd = ::open(arguments.at(0), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  say(1, std::string(fd < 0 ? strerrorname_np(errno) : "ok") + "\n");
  if (fd >= 0) ::close(fd);
  return 0;
}

int try_mknod(const Arguments& arguments) {
  const mode_t type = arguments.at(1)[0] == 'b' ? S_IFBLK : S_IFCHR;
  const dev_t device =
      makedev(static_cast<unsigned>(std::atoi(arguments.at(2))), static_cast<unsigned>(std::atoi(arguments.at(3))));
  if (::mknod(arguments.at(0), type | 0600, device) < 0) {
    say(1, std::string("mknod ") + strerrorname_np(errno) + "\n");
    return 0;
  }
  const int fd = ::open(arguments.at(0), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  say(1, fd < 0 ? std::string("open ") + strerrorname_np(errno) + "\n" : "ok\n");
  if (fd >= 0) ::close(fd);
  ::unlink(arguments.at(0));
  return 0;
}

int listen_once(const Arguments& arguments) {
  Address address;
  if (!parse_address(arguments.at(0), arguments.at(1), address)) return failed("parsing", arguments.at(0));
  const int server = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (server < 0 || ::bind(server, reinterpret_cast<sockaddr*>(&address.storage), address.size) < 0 ||
      ::listen(server, 1) < 0) {
    return failed("listening on", arguments.at(0));
  }
  say(1, "listening " + std::to_string(port_of(server)) + "\n");
  const int peer = ::accept4(server, nullptr, nullptr, SOCK_CLOEXEC);
  if (peer < 0) return failed("accepting on", arguments.at(0));
  say(peer, read_line(peer));
  ::close(peer);
  ::close(server);
  return 0;
}

int connect_once(const Arguments& arguments) {
  Address address;
  if (!parse_address(arguments.at(0), arguments.at(1), address)) return failed("parsing", arguments.at(0));
  const int peer = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (peer < 0 || ::connect(peer, reinterpret_cast<sockaddr*>(&address.storage), address.size) < 0) {
    return failed("connecting to", arguments.at(0));
  }
  say(peer, std::string(arguments.at(2)) + "\n");
  say(1, read_line(peer));
  ::close(peer);
  return 0;
}

}  // namespace probe
