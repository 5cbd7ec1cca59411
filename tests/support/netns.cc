#include "support/netns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "sys/file.h"
#include "sys/namespace.h"

namespace tank::test {

namespace {

constexpr int kPatienceMilliseconds = 10000;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress socket_address(const IpAddress& address) {
  SocketAddress made;
  if (address.family == IpAddress::Family::v4) {
    auto* in = reinterpret_cast<sockaddr_in*>(&made.storage);
    in->sin_family = AF_INET;
    std::memcpy(&in->sin_addr, address.bytes.data(), 4);
    made.size = sizeof(sockaddr_in);
  } else {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&made.storage);
    in6->sin6_family = AF_INET6;
    std::memcpy(&in6->sin6_addr, address.bytes.data(), 16);
    made.size = sizeof(sockaddr_in6);
  }
  return made;
}

Result<sys::Fd> tcp_socket_in(const sys::NetnsFd& netns, int family) {
  const sys::NetnsVisit visit = TRY(sys::NetnsVisit::enter(netns));
  sys::Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return errno_error("making a TCP socket");
  return fd;
}

Result<> wait_for(const sys::Fd& fd, short events, const char* what) {
  pollfd waiting{fd.get(), events, 0};
  const int ready = ::poll(&waiting, 1, kPatienceMilliseconds);
  if (ready < 0) return errno_error("waiting for ", what);
  if (ready == 0) return error(Kind::timeout, "no ", what);
  return {};
}

Result<> finish_connect(const sys::Fd& fd) {
  TRY(wait_for(fd, POLLOUT, "connection"));
  int number = 0;
  socklen_t size = sizeof number;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &number, &size);
  if (number != 0) return Error::from_errno(number, "connecting");
  return {};
}

Result<> send_and_expect(const sys::Fd& from, const sys::Fd& to, std::string_view bytes) {
  TRY(sys::write_all(from, bytes));
  TRY(wait_for(to, POLLIN, "bytes"));
  std::string received(bytes.size(), '\0');
  const ssize_t got = ::recv(to.get(), received.data(), received.size(), MSG_WAITALL);
  if (got < 0) return errno_error("receiving");
  if (received != bytes) return error(Kind::corrupt, "received '", received, "' instead of '", bytes, "'");
  return {};
}

/// Read end and write end.
Result<std::pair<sys::Fd, sys::Fd>> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return errno_error("making a pipe");
  return std::pair(sys::Fd(ends[0]), sys::Fd(ends[1]));
}

Result<pid_t> spawn(const std::vector<std::string>& command, const sys::Fd& output) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), 2);
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return Error::from_errno(failure, concat("starting '", command.at(0), "'"));
  return pid;
}

}  // namespace

Result<sys::NetnsFd> make_netns() {
  Result<sys::NetnsFd> made = error(Kind::bug, "not made");
  // unshare(2) moves the calling thread for good, so another thread does it.
  std::thread([&] {
    made = ::unshare(CLONE_NEWNET) < 0 ? Result<sys::NetnsFd>(errno_error("making a network namespace"))
                                       : sys::open_own_netns();
  }).join();
  return made;
}

Result<std::string> run(const std::vector<std::string>& command) {
  std::pair<sys::Fd, sys::Fd> pipe = TRY(make_pipe());
  const pid_t pid = TRY(spawn(command, pipe.second));
  pipe.second.reset();
  Result<std::string> output = sys::read_all(pipe.first, std::size_t{1} << 24U);
  int status = 0;
  if (::waitpid(pid, &status, 0) < 0) return errno_error("waiting for '", command.at(0), "'");
  if (!output || status == 0) return output;
  std::string line;
  for (const std::string& word : command) line += word + " ";
  return error(Kind::invalid, "'", line, "' ended with status ", status, ": ", *output);
}

Result<std::string> run_in(const sys::NetnsFd& netns, const std::vector<std::string>& command) {
  const sys::NetnsVisit visit = TRY(sys::NetnsVisit::enter(netns));
  return run(command);
}

Result<> talk(const sys::NetnsFd& client, const sys::NetnsFd& server, const IpAddress& server_address) {
  SocketAddress address = socket_address(server_address);
  const sys::Fd listener = TRY(tcp_socket_in(server, address.storage.ss_family));
  if (::bind(listener.get(), address.get(), address.size) < 0) return errno_error("binding");
  if (::listen(listener.get(), 1) < 0) return errno_error("listening");
  ::getsockname(listener.get(), address.get(), &address.size);

  const sys::Fd out = TRY(tcp_socket_in(client, address.storage.ss_family));
  if (::connect(out.get(), address.get(), address.size) < 0 && errno != EINPROGRESS) return errno_error("connecting");
  TRY(wait_for(listener, POLLIN, "incoming connection"));
  const sys::Fd in(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!in.is_open()) return errno_error("accepting");
  TRY(finish_connect(out));
  TRY(send_and_expect(out, in, "from the client"));
  return send_and_expect(in, out, "from the server");
}

}  // namespace tank::test
