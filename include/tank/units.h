// Amounts and addresses as types: parsed once, then trusted.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "tank/result.h"

namespace tank {

/// An amount of memory or disk, in bytes, never negative.
struct Bytes {
  std::int64_t count = 0;
  auto operator<=>(const Bytes&) const = default;
};

/// An amount of processor time: 1000 is one core.
struct Millicores {
  std::int64_t count = 0;
  auto operator<=>(const Millicores&) const = default;
};

/// A user or group id inside a container, 0 … 2^31−1 (Kubernetes validates runAsUser so; larger values wrap to root in
/// careless code, CVE-2024-40635).
struct Id {
  std::uint32_t value = 0;
  auto operator<=>(const Id&) const = default;
};
inline constexpr std::int64_t kMaxId = 2147483647;

/// Digits only, the whole text, 0 … 2^31−1. Error kind: invalid.
Result<Id> parse_id(std::string_view text);

/// An IPv4 or IPv6 address in network byte order.
struct IpAddress {
  enum class Family : std::uint8_t { v4, v6 };
  Family family = Family::v4;
  std::array<std::uint8_t, 16> bytes{};  ///< v4 uses the first four

  std::size_t size() const { return family == Family::v4 ? 4 : 16; }
  auto operator<=>(const IpAddress&) const = default;
};

/// Dotted quad or RFC 4291 text, exactly as inet_pton(3) takes it (no short or octal forms). Error kind: invalid.
Result<IpAddress> parse_ip_address(std::string_view text);
std::string to_string(const IpAddress& address);

/// An address with its prefix length, as in 10.0.0.5/24. Host bits may be set.
struct IpPrefix {
  IpAddress address;
  std::uint8_t length = 0;
  auto operator<=>(const IpPrefix&) const = default;
};

/// "ADDRESS/LENGTH". Error kind: invalid.
Result<IpPrefix> parse_ip_prefix(std::string_view text);
std::string to_string(const IpPrefix& prefix);

/// A 48-bit link-layer address.
struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  auto operator<=>(const MacAddress&) const = default;
};

/// Six hexadecimal pairs joined by colons; unicast only. Error kind: invalid.
Result<MacAddress> parse_mac_address(std::string_view text);
std::string to_string(const MacAddress& address);

}  // namespace tank
