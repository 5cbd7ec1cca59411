// SOCK_SEQPACKET sockets with paths: whole messages, descriptors along with them, and who the other side is.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/fd.h"
#include "sys/process.h"
#include "tank/result.h"

namespace tank::sys {

/// The kernel's own bound on descriptors in one packet is 253; nobody here needs more than this.
inline constexpr std::size_t kMaxPacketDescriptors = 64;

Result<std::pair<Fd, Fd>> make_packet_pair();
/// Binds at `path` with this mode from the first moment on. Paths longer than sun_path are reached through their
/// directory. Kind::exists when something stands there. Whoever calls listen_on is who connecting peers see.
Result<Fd> bind_packet_socket(const std::filesystem::path& path, mode_t mode);
Result<> listen_on(const Fd& socket, int backlog);
/// Kind::not_found also when nobody listens there any more.
Result<Fd> connect_packet_socket(const std::filesystem::path& path);
/// Never waits. The connection does not block.
Result<Fd> accept_connection(const Fd& listener);

struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
};
Result<Peer> peer_of(const Fd& connection);

/// Sends one packet. False when it would have had to wait and must not. Kind::unavailable when nobody is there.
Result<bool> send_packet(const Fd& socket, std::string_view bytes, const std::vector<int>& descriptors, Wait wait);

struct Packet {
  std::size_t size = 0;  ///< 0: the other side is gone
  std::vector<Fd> descriptors;
};
/// Receives one packet into `buffer`; nothing when none is there and it must not wait. A packet that does not fit, or
/// that brings too many descriptors, is Kind::invalid.
Result<std::optional<Packet>> receive_packet(const Fd& socket, char* buffer, std::size_t capacity, Wait wait);
/// Looks at the first bytes of the next packet and leaves it there.
Result<std::optional<std::size_t>> peek_packet(const Fd& socket, char* buffer, std::size_t capacity);

/// poll(2) for reading on one or two descriptors. Gives which are readable (or hung up), as bits 1 and 2; 0: timeout.
Result<unsigned> wait_readable(const Fd& first, const Fd* second, int timeout_ms);

}  // namespace tank::sys
