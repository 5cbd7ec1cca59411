#include "sys/socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "sys/file.h"

namespace tank::sys {

namespace {

/// An address, and the directory that must stay open while a long one is used through /proc/self/fd.
struct Address {
  sockaddr_un name{};
  DirFd directory;
};

Result<Address> address_of(const std::filesystem::path& path) {
  Address address;
  address.name.sun_family = AF_UNIX;
  std::string text = path.native();
  if (text.size() >= sizeof address.name.sun_path) {
    DirFd directory = TRY(open_dir(path.parent_path()));
    address.directory = std::move(directory);
    text = concat("/proc/self/fd/", address.directory.get(), "/", path.filename().native());
  }
  if (text.empty() || text.size() >= sizeof address.name.sun_path) {
    return error(Kind::invalid, "socket path '", path.native(), "' is empty or its last part is too long");
  }
  std::memcpy(address.name.sun_path, text.c_str(), text.size() + 1);
  return address;
}

const sockaddr* generic(const Address& address) { return reinterpret_cast<const sockaddr*>(&address.name); }

Result<Fd> packet_socket(int flags) {
  const int number = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
  if (number < 0) return errno_error("making a socket");
  return Fd(number);
}

bool is_gone(int number) { return number == EPIPE || number == ECONNRESET || number == ENOTCONN; }

}  // namespace

Result<std::pair<Fd, Fd>> make_packet_pair() {
  int numbers[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, numbers) < 0) return errno_error("making a socket pair");
  return std::pair<Fd, Fd>(Fd(numbers[0]), Fd(numbers[1]));
}

Result<Fd> bind_packet_socket(const std::filesystem::path& path, mode_t mode) {
  const Address address = TRY(address_of(path));
  Fd socket = TRY(packet_socket(SOCK_NONBLOCK));
  // unix(7): the inode made by bind(2) takes the mode of the socket, so there is no moment of a wider one.
  if (::fchmod(socket.get(), mode) < 0) return errno_error("setting the mode of a socket");
  if (::bind(socket.get(), generic(address), sizeof address.name) == 0) return socket;
  if (errno == EADDRINUSE) return error(Kind::exists, "binding a socket at '", path.native(), "': it exists");
  return errno_error("binding a socket at '", path.native(), "'");
}

Result<> listen_on(const Fd& socket, int backlog) {
  if (::listen(socket.get(), backlog) < 0) return errno_error("listening on a socket");
  return {};
}

Result<Fd> connect_packet_socket(const std::filesystem::path& path) {
  const Address address = TRY(address_of(path));
  Fd socket = TRY(packet_socket(0));
  if (::connect(socket.get(), generic(address), sizeof address.name) == 0) return socket;
  if (errno == ECONNREFUSED) return error(Kind::not_found, "connecting to '", path.native(), "': nobody listens there");
  return errno_error("connecting to '", path.native(), "'");
}

Result<Fd> accept_connection(const Fd& listener) {
  const int number = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (number < 0) return errno_error("accepting a connection");
  return Fd(number);
}

Result<Peer> peer_of(const Fd& connection) {
  ucred about{};
  socklen_t size = sizeof about;
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &about, &size) < 0) {
    return errno_error("asking who is at the other end of a socket");
  }
  return Peer{about.pid, about.uid};
}

Result<bool> send_packet(const Fd& socket, std::string_view bytes, const std::vector<int>& descriptors, Wait wait) {
  if (descriptors.size() > kMaxPacketDescriptors) return error(Kind::invalid, "too many descriptors for one packet");
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxPacketDescriptors)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof(int) * descriptors.size());
  }
  const int flags = MSG_NOSIGNAL | (wait == Wait::no ? MSG_DONTWAIT : 0);
  while (::sendmsg(socket.get(), &message, flags) < 0) {
    if (wait == Wait::no && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (is_gone(errno)) return Error(Kind::unavailable, errno, "sending a packet: nobody is there");
    if (errno != EINTR) return errno_error("sending a packet");
  }
  return true;
}

Result<std::optional<Packet>> receive_packet(const Fd& socket, char* buffer, std::size_t capacity, Wait wait) {
  iovec part{buffer, capacity};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxPacketDescriptors)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t size = 0;
  while ((size = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC | (wait == Wait::no ? MSG_DONTWAIT : 0))) < 0) {
    if (wait == Wait::no && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<Packet>();
    // ECONNRESET comes once, when the other side went with something unread, and before what it had sent itself.
    if (errno == ECONNRESET) continue;
    if (is_gone(errno)) return std::optional<Packet>(Packet{});
    if (errno != EINTR) return errno_error("receiving a packet");
  }
  Packet packet;
  packet.size = static_cast<std::size_t>(size);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; at + sizeof(int) <= header->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + at, sizeof number);
      packet.descriptors.emplace_back(number);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return error(Kind::invalid, "a packet is too long");
  return std::optional<Packet>(std::move(packet));
}

Result<std::optional<std::size_t>> peek_packet(const Fd& socket, char* buffer, std::size_t capacity) {
  ssize_t size = -1;
  do {
    size = ::recv(socket.get(), buffer, capacity, MSG_PEEK | MSG_DONTWAIT);
  } while (size < 0 && (errno == ECONNRESET || errno == EINTR));
  if (size >= 0) return std::optional<std::size_t>(static_cast<std::size_t>(size));
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<std::size_t>();
  if (is_gone(errno)) return std::optional<std::size_t>(std::size_t{0});
  return errno_error("looking at a packet");
}

Result<unsigned> wait_readable(const Fd& first, const Fd* second, int timeout_ms) {
  pollfd watched[2] = {{first.get(), POLLIN, 0}, {second == nullptr ? -1 : second->get(), POLLIN, 0}};
  if (::poll(watched, 2, timeout_ms) < 0 && errno != EINTR) return errno_error("polling");
  return (watched[0].revents != 0 ? 1U : 0U) | (watched[1].revents != 0 ? 2U : 0U);
}

}  // namespace tank::sys
