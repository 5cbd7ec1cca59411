// Netlink (netlink(7), RFC 3549): build a message, send it, read the answer. What links, addresses and routes look like
// in it is said in netlink_link.h and netlink_address.h; only those need this file.
//
// One socket serves one caller at a time. The kernel does the work during send(2) and has queued the answer before send
// returns, so no call here waits longer than the kernel works.
#pragma once

#include <linux/netlink.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// A request under construction. What does not fit is remembered and refused when it is sent, so that neither the
/// buffer nor the 16-bit attribute lengths can overflow (CVE-2021-43784).
class NetlinkMessage {
 public:
  /// `flags` beside NLM_F_REQUEST, which is always set.
  NetlinkMessage(std::uint16_t type, std::uint16_t flags);

  /// The family's own header (ifinfomsg, ifaddrmsg, rtmsg); before any attribute.
  template <typename Header>
  void put_header(const Header& header) {
    put_header(&header, sizeof header);
  }
  void put(std::uint16_t type, std::span<const std::uint8_t> bytes);
  void put_u32(std::uint16_t type, std::uint32_t value);
  /// With its terminating zero, as the kernel wants names.
  void put_string(std::uint16_t type, std::string_view text);
  /// The attributes that `fill` puts, inside one of this type.
  template <typename Fill>
  void put_nested(std::uint16_t type, const Fill& fill) {
    nlattr* start = begin_nested(type);
    fill();
    end_nested(start);
  }

  bool fits() const { return fits_; }
  std::size_t size() const { return header()->nlmsg_len; }

 private:
  friend class NetlinkSocket;
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }
  const nlmsghdr* header() const { return reinterpret_cast<const nlmsghdr*>(bytes_.data()); }
  void put_header(const void* bytes, std::size_t size);
  void put_bytes(std::uint16_t type, const void* bytes, std::size_t size);
  nlattr* begin_nested(std::uint16_t type);
  void end_nested(nlattr* start);

  alignas(nlmsghdr) std::array<std::uint8_t, 1024> bytes_;
  bool fits_ = true;
};

/// Attributes of a received message. Views into it; lengths are checked on every access.
class NetlinkAttributes {
 public:
  /// Those after a family header of this size.
  NetlinkAttributes(const nlmsghdr& message, std::size_t header_size);

  std::optional<std::span<const std::uint8_t>> find_bytes(std::uint16_t type) const;
  std::optional<std::uint32_t> find_u32(std::uint16_t type) const;
  /// Empty when absent.
  std::string string(std::uint16_t type) const;
  /// No attributes when absent.
  NetlinkAttributes nested(std::uint16_t type) const;

 private:
  explicit NetlinkAttributes(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::span<const std::uint8_t> bytes_;
};

/// The family header of a received message, or nothing when the message is too short for it.
template <typename Header>
const Header* find_header(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Header))) return nullptr;
  return static_cast<const Header*>(NLMSG_DATA(&message));
}

/// A route netlink socket. It stays in the namespace it was made in, wherever its user goes.
class NetlinkSocket {
 public:
  static Result<NetlinkSocket> open();
  static Result<NetlinkSocket> open_in(const NetnsFd& netns);

  /// Sends a request for a change and waits for the kernel's verdict. The error ends in the kernel's own explanation
  /// where it gives one.
  Result<> request(NetlinkMessage& message);
  /// Sends a question with one answer.
  Result<> ask(NetlinkMessage& message, const std::function<void(const nlmsghdr&)>& answer);
  /// Sends a question with many answers. Asked again when the table changed under the reading, so the result is one
  /// consistent table. Answers that `parse` makes nothing of are left out.
  template <typename T>
  Result<std::vector<T>> list(NetlinkMessage& message, std::optional<T> (*parse)(const nlmsghdr&)) {
    std::vector<T> found;
    const auto add = [&](const nlmsghdr& answer) {
      if (std::optional<T> parsed = parse(answer)) found.push_back(std::move(*parsed));
    };
    TRY(dump(
        message, [&] { found.clear(); }, add));
    return found;
  }

 private:
  enum class Ending : std::uint8_t { complete, interrupted };
  using Visitor = std::function<void(const nlmsghdr&)>;

  explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)) {}
  Result<> send(NetlinkMessage& message);
  Result<std::span<const std::uint8_t>> receive();
  Result<> dump(NetlinkMessage& message, const std::function<void()>& restart, const Visitor& each);
  Result<Ending> receive_table(const Visitor& each);

  Fd fd_;
  std::uint32_t sequence_ = 0;
  std::unique_ptr<std::uint8_t[]> buffer_;  ///< made by the first receive()
};

}  // namespace tank::sys
