#include "network/prefix.h"

#include <algorithm>

namespace tank::network {

namespace {

/// The address with all bits beyond the first `length` cleared.
IpAddress masked(IpAddress address, unsigned length) {
  for (unsigned i = 0; i < address.size(); ++i) {
    const unsigned kept = std::clamp(length, i * 8, i * 8 + 8) - i * 8;
    address.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] & (0xff00U >> kept));
  }
  return address;
}

}  // namespace

bool contains(const IpPrefix& prefix, const IpAddress& address) {
  return masked(prefix.address, prefix.length) == masked(address, prefix.length);
}

bool is_network(const IpPrefix& prefix) { return masked(prefix.address, prefix.length) == prefix.address; }

bool is_loopback(const IpAddress& address) {
  if (address.family == IpAddress::Family::v4) return address.bytes[0] == 127;
  IpAddress loopback{IpAddress::Family::v6, {}};
  loopback.bytes[15] = 1;
  return address == loopback;
}

bool is_assignable(const IpAddress& address) {
  const bool is_v4 = address.family == IpAddress::Family::v4;
  const bool is_unspecified = address == IpAddress{address.family, {}};
  // 224.0.0.0/4 is multicast, 240.0.0.0/4 reserved, with the broadcast address at its end.
  const bool is_group = is_v4 ? address.bytes[0] >= 224 : address.bytes[0] == 0xff;
  return !is_unspecified && !is_group && !is_loopback(address);
}

bool is_link_local(const IpAddress& address) {
  return address.family == IpAddress::Family::v6 && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0U) == 0x80;
}

}  // namespace tank::network
