#include "network/prefix.h"

#include <gtest/gtest.h>

namespace tank::network {
namespace {

IpAddress address(std::string_view text) { return *parse_ip_address(text); }
IpPrefix prefix(std::string_view text) { return *parse_ip_prefix(text); }

TEST(Contains, ComparesTheFirstBitsOnly) {
  EXPECT_TRUE(contains(prefix("10.0.0.5/24"), address("10.0.0.254")));
  EXPECT_FALSE(contains(prefix("10.0.0.5/24"), address("10.0.1.5")));
  EXPECT_TRUE(contains(prefix("10.0.0.5/23"), address("10.0.1.5")));
  EXPECT_TRUE(contains(prefix("0.0.0.0/0"), address("203.0.113.9")));
  EXPECT_FALSE(contains(prefix("10.0.0.5/32"), address("10.0.0.4")));
  EXPECT_TRUE(contains(prefix("fd00::5/64"), address("fd00::ffff")));
  EXPECT_FALSE(contains(prefix("fd00::5/127"), address("fd00::6")));
}

TEST(Contains, NeverMixesFamilies) {
  EXPECT_FALSE(contains(prefix("0.0.0.0/0"), address("::")));
  EXPECT_FALSE(contains(prefix("::/0"), address("0.0.0.0")));
}

TEST(IsNetwork, WantsTheHostBitsClear) {
  for (const auto* network : {"10.0.0.0/8", "0.0.0.0/0", "10.0.0.1/32", "fd00::/8", "10.128.0.0/9"}) {
    EXPECT_TRUE(is_network(prefix(network))) << network;
  }
  for (const auto* not_network : {"10.0.0.1/8", "0.0.0.1/0", "fd00::1/64", "10.64.0.0/9"}) {
    EXPECT_FALSE(is_network(prefix(not_network))) << not_network;
  }
}

TEST(IsAssignable, LeavesOutWhatNoInterfaceCanHave) {
  for (const auto* good : {"10.0.0.1", "223.255.255.1", "fd00::1", "fe80::1", "2001:db8::"}) {
    EXPECT_TRUE(is_assignable(address(good))) << good;
  }
  for (const auto* bad : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"}) {
    EXPECT_FALSE(is_assignable(address(bad))) << bad;
  }
}

TEST(IsLoopback, KnowsTheWholeV4NetAndTheOneV6Address) {
  EXPECT_TRUE(is_loopback(address("127.0.0.53")));
  EXPECT_TRUE(is_loopback(address("::1")));
  EXPECT_FALSE(is_loopback(address("128.0.0.1")));
  EXPECT_FALSE(is_loopback(address("::2")));
}

TEST(IsLinkLocal, IsFe80Slash10) {
  EXPECT_TRUE(is_link_local(address("fe80::1")));
  EXPECT_TRUE(is_link_local(address("febf::1")));
  EXPECT_FALSE(is_link_local(address("fec0::1")));
  EXPECT_FALSE(is_link_local(address("254.128.0.1")));
}

}  // namespace
}  // namespace tank::network
