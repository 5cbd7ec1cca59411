#include "tank/units.h"

#include <arpa/inet.h>

#include <charconv>

#include "base/parse.h"

namespace tank {

Result<Id> parse_id(std::string_view text) {
  const auto value = parse_integer<std::int64_t>(text, 0, kMaxId);
  if (!value) return error(Kind::invalid, "'", text, "' is not an id between 0 and ", kMaxId);
  return Id{static_cast<std::uint32_t>(*value)};
}

Result<IpAddress> parse_ip_address(std::string_view text) {
  const std::string terminated(text);
  IpAddress address;
  if (terminated.find('\0') == std::string::npos) {
    if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) return address;
    address.family = IpAddress::Family::v6;
    if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) return address;
  }
  return error(Kind::invalid, "'", text, "' is not an IPv4 or IPv6 address");
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.family == IpAddress::Family::v4 ? AF_INET : AF_INET6;
  inet_ntop(family, address.bytes.data(), text.data(), text.size());
  return text.data();
}

Result<IpPrefix> parse_ip_prefix(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    return error(Kind::invalid, "'", text, "' has no prefix length (write it as ADDRESS/LENGTH)");
  }
  const IpAddress address = TRY(parse_ip_address(text.substr(0, slash)));
  const std::uint8_t longest = address.family == IpAddress::Family::v4 ? std::uint8_t{32} : std::uint8_t{128};
  const auto length = parse_integer<std::uint8_t>(text.substr(slash + 1), std::uint8_t{0}, longest);
  if (!length) return error(Kind::invalid, "'", text, "' has a prefix length outside 0 to ", longest);
  return IpPrefix{address, *length};
}

std::string to_string(const IpPrefix& prefix) { return concat(to_string(prefix.address), "/", prefix.length); }

Result<MacAddress> parse_mac_address(std::string_view text) {
  const Error wrong = error(Kind::invalid, "'", text, "' is not a unicast MAC address like 02:42:ac:11:00:02");
  if (text.size() != 17) return wrong;
  MacAddress address;
  for (std::size_t i = 0; i < 6; ++i) {
    const char* first = text.data() + i * 3;
    const auto [end, failure] = std::from_chars(first, first + 2, address.bytes[i], 16);
    if (failure != std::errc{} || end != first + 2) return wrong;
    if (i < 5 && first[2] != ':') return wrong;
  }
  const bool multicast = (address.bytes[0] & 1U) != 0;
  if (multicast || address == MacAddress{}) return wrong;
  return address;
}

std::string to_string(const MacAddress& address) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : address.bytes) {
    if (!out.empty()) out += ':';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

}  // namespace tank
