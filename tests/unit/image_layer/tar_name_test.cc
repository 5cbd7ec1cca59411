// Names of entries: what is cleaned, what is refused.
#include "image/tar_name.h"

#include <gtest/gtest.h>

namespace tank::image {
namespace {

std::string clean(std::string_view name) {
  const Result<EntryName> parsed = parse_entry_name(name, 8);
  EXPECT_TRUE(parsed) << name;
  return parsed ? parsed->parent + '|' + parsed->base : "";
}

void refused(std::string_view name, std::string_view why) {
  const Result<EntryName> parsed = parse_entry_name(name, 8);
  ASSERT_FALSE(parsed) << name;
  EXPECT_EQ(parsed.error().kind(), Kind::corrupt);
  EXPECT_NE(parsed.error().sentence().find(why), std::string::npos) << parsed.error().sentence();
}

TEST(TarName, Cleans) {
  EXPECT_EQ(clean("a"), "|a");
  EXPECT_EQ(clean("a/b/c"), "a/b|c");
  EXPECT_EQ(clean("./a//./b/"), "a|b");
  EXPECT_EQ(clean("/etc/passwd"), "etc|passwd");
  EXPECT_EQ(clean("///x"), "|x");
  EXPECT_EQ(clean("..."), "|...");
  EXPECT_EQ(clean("a\nb"), "|a\nb");
}

TEST(TarName, TheRoot) {
  for (const char* name : {"/", ".", "./", "././/", "//"}) EXPECT_TRUE(parse_entry_name(name, 8)->is_root()) << name;
}

TEST(TarName, Refuses) {
  refused("", "no name");
  refused("..", "'..'");
  refused("../x", "'..'");
  refused("a/../../x", "'..'");
  refused("a/..", "'..'");
  refused(std::string_view("a\0b", 3), "NUL");
  refused(std::string(256, 'x'), "256 bytes");
  refused("1/2/3/4/5/6/7/8/9", "8 directories deep");
}

TEST(TarName, TheKernelsLimits) {
  EXPECT_TRUE(parse_entry_name(std::string(255, 'x'), 8));
  std::string longest;
  while (longest.size() < 5000) longest += std::string(200, 'y') + '/';
  EXPECT_FALSE(parse_entry_name(longest, 1000));
  std::string deep;
  for (int level = 0; level < 10000; ++level) deep += "d/";
  EXPECT_FALSE(parse_entry_name(deep, 256));
}

TEST(TarName, PrintableHoldsNoControlCharacters) {
  EXPECT_EQ(printable("a\x1b[31m\n"), "a\\x1b[31m\\x0a");
  EXPECT_LT(printable(std::string(100000, 'a')).size(), 300U);
}

}  // namespace
}  // namespace tank::image
