// The message builder and the attribute reader against sizes that do not fit and bytes that lie: no kernel needed.
#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <random>

#include "sys/netlink.h"

namespace tank::sys {
namespace {

/// A message of exactly these bytes after the netlink header.
std::vector<std::uint32_t> message_of(const std::vector<std::uint8_t>& payload) {
  std::vector<std::uint32_t> words((NLMSG_HDRLEN + payload.size() + 3) / 4);
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + payload.size());
  std::memcpy(words.data(), &header, sizeof header);
  if (!payload.empty())
    std::memcpy(reinterpret_cast<char*>(words.data()) + NLMSG_HDRLEN, payload.data(), payload.size());
  return words;
}

NetlinkAttributes attributes_of(const std::vector<std::uint32_t>& words) {
  return {*reinterpret_cast<const nlmsghdr*>(words.data()), 0};
}

TEST(NetlinkMessage, RefusesAnAttributeThatDoesNotFit) {
  for (const std::size_t size : {1024UL, 65531UL, 65535UL, 65536UL, 65540UL, 1UL << 20U}) {
    NetlinkMessage message(RTM_NEWLINK, 0);
    const std::size_t before = message.size();
    message.put(IFLA_ADDRESS, std::vector<std::uint8_t>(size, 0xaa));
    EXPECT_FALSE(message.fits()) << size;
    EXPECT_EQ(message.size(), before) << size;
    message.put_u32(IFLA_MTU, 1500);
    EXPECT_EQ(message.size(), before) << "nothing follows what was left out";
  }
}

TEST(NetlinkMessage, RefusesOneTooManySmallOnesAndOpenNests) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.put_header(ifinfomsg{});
  for (int i = 0; i < 1000; ++i) {
    message.put_nested(IFLA_LINKINFO, [&] { message.put_string(IFLA_INFO_KIND, "macvlan"); });
  }
  EXPECT_FALSE(message.fits());
  EXPECT_LE(message.size(), 1024U);
}

TEST(NetlinkMessage, AMessageThatDoesNotFitIsNeverSent) {
  Result<NetlinkSocket> socket = NetlinkSocket::open();
  ASSERT_TRUE(socket);
  NetlinkMessage message(RTM_GETLINK, 0);
  message.put(IFLA_ADDRESS, std::vector<std::uint8_t>(2000));
  EXPECT_EQ(socket->request(message).error().kind(), Kind::invalid);
}

TEST(NetlinkAttributes, FindsWhatIsThere) {
  // Two attributes: type 1 with 3 bytes and one of padding, type 2 with a number.
  const auto words = message_of({7, 0, 1, 0, 'a', 'b', 0, 0, 8, 0, 2, 0, 42, 0, 0, 0});
  const NetlinkAttributes attributes = attributes_of(words);
  EXPECT_EQ(attributes.string(1), "ab");
  EXPECT_EQ(attributes.find_u32(2), 42U);
  EXPECT_EQ(attributes.find_u32(1), std::nullopt) << "three bytes are not a number";
  EXPECT_EQ(attributes.find_u32(3), std::nullopt);
  EXPECT_EQ(attributes.nested(3).string(1), "");
}

TEST(NetlinkAttributes, StopsAtLengthsThatLie) {
  const std::vector<std::vector<std::uint8_t>> lies = {
      {},
      {8},
      {0, 0, 1, 0},                  // shorter than its own header: would never advance
      {3, 0, 1, 0, 1, 1, 1, 1},      //
      {255, 255, 1, 0, 1, 1, 1, 1},  // longer than the message
      {9, 0, 1, 0, 1, 1, 1, 1},      // by one byte
      {4, 0, 2, 0, 255, 255, 1, 0},  // the second of two
      {8, 0, 1, 0, 1, 1},            // cut short
  };
  for (const auto& bytes : lies) EXPECT_EQ(attributes_of(message_of(bytes)).find_bytes(1), std::nullopt);
}

TEST(NetlinkAttributes, ReadsNothingOutsideTheMessageWhateverItSays) {
  std::mt19937 random(7);  // NOLINT: the same bytes in every run
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::uint8_t> bytes(random() % 64);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 12);
    const auto words = message_of(bytes);
    for (std::uint16_t type = 0; type < 12; ++type) {
      const auto found = attributes_of(words).find_bytes(type);
      if (!found) continue;
      const auto* first = reinterpret_cast<const std::uint8_t*>(words.data()) + NLMSG_HDRLEN;
      EXPECT_GE(found->data(), first);
      EXPECT_LE(found->data() + found->size(), first + bytes.size());
      (void)attributes_of(words).nested(type).string(1);
    }
  }
}

TEST(FindHeader, WantsAllOfIt) {
  const auto words = message_of(std::vector<std::uint8_t>(sizeof(ifinfomsg) - 1));
  EXPECT_EQ(find_header<ifinfomsg>(*reinterpret_cast<const nlmsghdr*>(words.data())), nullptr);
}

}  // namespace
}  // namespace tank::sys
