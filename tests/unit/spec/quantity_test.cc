// Quantities, checked against every suffix and against arithmetic done another way.
#include "spec/quantity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tank::spec {
namespace {

TEST(Quantity, RefusesWhatIsNone) {
  for (const char* text : {"",      " ",
                           "1 ",    " 1",
                           "-1",    "-0",
                           "+",     "+-1",
                           ".",     "..5",
                           "1.2.3", "1,5",
                           "1K",    "1ki",
                           "1KI",   "1mi",
                           "1kb",   "1MB",
                           "1GiB",  "1e",
                           "1e+",   "1e-",
                           "1e1.5", "1e1e1",
                           "1m1",   "abc",
                           "m",     "Ki",
                           "0x1",   "1_0",
                           "1e+-1", "١",
                           "1mm",   "inf",
                           "nan",   "1Mii",
                           "1E3M",  "1e99999999999999999999"}) {
    EXPECT_FALSE(parse_bytes(text)) << text;
    EXPECT_FALSE(parse_millicores(text)) << text;
  }
  EXPECT_THAT(parse_bytes("-1").error().sentence(), testing::HasSubstr("negative"));
}

TEST(Quantity, RefusesWhatDoesNotFit) {
  for (const char* text : {"9223372036854775808", "8Ei", "9.3E", "10E", "1e19", "1e1000", "99999999999999999999",
                           "8192Pi", "9999999999999999999", "9999999999999999999Ei", "1e999999999"}) {
    EXPECT_FALSE(parse_bytes(text)) << text;
  }
  EXPECT_FALSE(parse_millicores("9223372036854776"));
  EXPECT_FALSE(parse_millicores("9999999999999999999Ei"));
  EXPECT_EQ(parse_millicores("9223372036854775.807")->count, 9223372036854775807);
}

TEST(Quantity, ReadsEveryForm) {
  const struct {
    const char* text;
    std::int64_t bytes;
  } cases[] = {
      {"0", 0},
      {"00", 0},
      {"0.0", 0},
      {"0Ei", 0},
      {"0e1000", 0},
      {"+5", 5},
      {"007", 7},
      {"5.", 5},
      {".5", 1},
      {"0.5", 1},
      {"1.5", 2},
      {"1.0", 1},
      {"1.000000000000000000000000000000", 1},
      {"128974848", 128974848},
      {"129e6", 129000000},
      {"129E6", 129000000},
      {"129M", 129000000},
      {"123Mi", 128974848},
      {"128974848000m", 128974848},
      {"1e3", 1000},
      {"1e+3", 1000},
      {"1E3", 1000},
      {"1E", 1000000000000000000},
      {"1e-3", 1},
      {"1500m", 2},
      {"1n", 1},
      {"1u", 1},
      {"1000000000n", 1},
      {"1000000001n", 2},
      {"0.5Gi", 536870912},
      {"1.5Ki", 1536},
      {"0.1Ki", 103},
      {"1k", 1000},
      {"1G", 1000000000},
      {"1T", 1000000000000},
      {"1P", 1000000000000000},
      {"1Ki", 1024},
      {"1Gi", 1073741824},
      {"1Ti", 1099511627776},
      {"1Pi", 1125899906842624},
      {"7Ei", 8070450532247928832},
      {"9.2E", 9200000000000000000},
      {"9223372036854775807", 9223372036854775807},
      {"0.000000000000000001", 1},
      {"1e-1000", 1},
      {"7.9999999999Ei", 9223372036739483658},
  };
  for (const auto& [text, bytes] : cases) {
    const auto parsed = parse_bytes(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().sentence();
    EXPECT_EQ(parsed->count, bytes) << text;
  }
}

TEST(Quantity, CountsProcessorsInThousandthsRoundedUp) {
  const struct {
    const char* text;
    std::int64_t millicores;
  } cases[] = {{"1", 1000},      {"500m", 500}, {"0.5", 500},    {".1", 100},     {"0.0001", 1},
               {"1u", 1},        {"1500u", 2},  {"1001n", 1},    {"2k", 2000000}, {"1e2", 100000},
               {"1Ki", 1024000}, {"0", 0},      {"1.0005", 1001}};
  for (const auto& [text, millicores] : cases) {
    const auto parsed = parse_millicores(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().sentence();
    EXPECT_EQ(parsed->count, millicores) << text;
  }
}

// Every hundredth of every binary and decimal suffix up to tebi, against integer arithmetic.
TEST(Quantity, AgreesWithIntegerArithmetic) {
  const struct {
    const char* suffix;
    std::int64_t factor;
  } suffixes[] = {{"", 1},      {"k", 1000},     {"M", 1000000},     {"G", 1000000000},     {"T", 1000000000000},
                  {"Ki", 1024}, {"Mi", 1048576}, {"Gi", 1073741824}, {"Ti", 1099511627776}, {"e2", 100},
                  {"E4", 10000}};
  for (const auto& [suffix, factor] : suffixes) {
    for (std::int64_t hundredths = 0; hundredths < 1000; hundredths += 7) {
      const std::string cents = concat(hundredths % 100 < 10 ? "0" : "", hundredths % 100);
      const std::string text = concat(hundredths / 100, ".", cents, suffix);
      const auto parsed = parse_bytes(text);
      ASSERT_TRUE(parsed) << text;
      EXPECT_EQ(parsed->count, (hundredths * factor + 99) / 100) << text;
    }
  }
}

TEST(Quantity, GrowsWithItsDigits) {
  std::int64_t last = -1;
  for (std::int64_t i = 0; i < 5000; i += 13) {
    const auto parsed = parse_bytes(concat(i, "m"));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->count, (i + 999) / 1000);
    EXPECT_GE(parsed->count, last);
    last = parsed->count;
  }
}

}  // namespace
}  // namespace tank::spec
