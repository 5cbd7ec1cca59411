#include "tank/units.h"

#include <gtest/gtest.h>

namespace tank {
namespace {

TEST(ParseId, TakesTheWholeRangeAndNothingElse) {
  EXPECT_EQ(parse_id("0")->value, 0U);
  EXPECT_EQ(parse_id("2147483647")->value, 2147483647U);
  for (const auto* wrong : {"", "-1", "2147483648", "4294967296", "1 ", " 1", "0x1", "1e3", "+1"}) {
    EXPECT_FALSE(parse_id(wrong)) << wrong;
  }
}

TEST(ParseIpAddress, RefusesShortOctalAndHexadecimalForms) {
  EXPECT_EQ(to_string(*parse_ip_address("10.0.0.1")), "10.0.0.1");
  EXPECT_EQ(to_string(*parse_ip_address("2001:DB8::1")), "2001:db8::1");
  for (const auto* wrong : {"10.1", "0x7f.0.0.1", "010.0.0.1", "", "1.2.3.4.5", "::g", "1.2.3.4 "}) {
    EXPECT_FALSE(parse_ip_address(wrong)) << wrong;
  }
}

TEST(ParseIpPrefix, ChecksTheLengthAgainstTheFamily) {
  EXPECT_EQ(to_string(*parse_ip_prefix("10.0.0.5/24")), "10.0.0.5/24");
  EXPECT_EQ(to_string(*parse_ip_prefix("fd00::5/128")), "fd00::5/128");
  for (const auto* wrong : {"10.0.0.5", "10.0.0.5/33", "fd00::/129", "10.0.0.5/", "10.0.0.5/-1", "/24"}) {
    EXPECT_FALSE(parse_ip_prefix(wrong)) << wrong;
  }
}

TEST(ParseMacAddress, WantsOneUnicastAddress) {
  EXPECT_EQ(to_string(*parse_mac_address("02:42:AC:11:00:02")), "02:42:ac:11:00:02");
  for (const auto* wrong :
       {"", "02:42:ac:11:00", "01:00:5e:00:00:01", "00:00:00:00:00:00", "02-42-ac-11-00-02", "02:42:ac:11:00:0g"}) {
    EXPECT_FALSE(parse_mac_address(wrong)) << wrong;
  }
}

Result<int> twice(Result<int> half) {
  const int value = TRY(std::move(half));
  return value * 2;
}

TEST(Result, CarriesContextUpAndKeepsKindAndNumber) {
  EXPECT_EQ(*twice(21), 42);
  const Result<int> failed = twice(Error::from_errno(ENOENT, "opening 'x'")).while_doing("doubling ", 2);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind(), Kind::not_found);
  EXPECT_EQ(failed.error().number(), ENOENT);
  EXPECT_EQ(failed.error().sentence(), "doubling 2: opening 'x': No such file or directory");
}

}  // namespace
}  // namespace tank
