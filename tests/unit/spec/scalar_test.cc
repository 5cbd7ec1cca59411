// What plain scalars mean and how things are shown.
#include "spec/scalar.h"

#include <gtest/gtest.h>

#include "spec/nearest.h"

namespace tank::spec {
namespace {

TEST(MeaningOf, NumbersAndBooleansAreThoseOfYaml11) {
  for (const char* text : {"1", "-1", "+1", "0", "0777", "0x1F", "0o17", "0b101", "1_000", "1.5", ".5", "1.", "1e3",
                           "1E-3", "-.5e+3", ".inf", "-.Inf", ".nan"}) {
    EXPECT_EQ(meaning_of(text), Meaning::number) << text;
  }
  for (const char* text : {"true", "False", "YES", "no", "On", "off", "y", "N"}) {
    EXPECT_EQ(meaning_of(text), Meaning::boolean) << text;
  }
  for (const char* text : {"",    "a",  "-",    ".",          "1a",    "1.2.3", "0x",  "0xg", "e3",  "1e",
                           "1e+", "_1", "tRue", "2001-01-01", "12:30", "500m",  "1Gi", "--1", "inf", "yess"}) {
    EXPECT_EQ(meaning_of(text), Meaning::string) << text;
  }
}

TEST(Quoted, ShowsNothingThatMovesTheCursorAndNothingLong) {
  EXPECT_EQ(in_quotes("a\nb\x1b[1m\x7f"), "'a\\nb\\x1b[1m\\x7f'");
  EXPECT_EQ(in_quotes(std::string(1000, 'x')), "'" + std::string(80, 'x') + "…'");
  EXPECT_EQ(in_quotes(std::string(79, 'x') + "\xc3\xa9y"), "'" + std::string(79, 'x') + "…'");
}

TEST(Paths, BracketsStandAroundWhatIsNoWord) {
  EXPECT_EQ(member_path("", "spec"), "spec");
  EXPECT_EQ(item_path(member_path("spec", "containers"), 2), "spec.containers[2]");
  EXPECT_EQ(member_path("metadata.labels", "example.com/a"), "metadata.labels[example.com/a]");
  EXPECT_EQ(member_path("a", std::string(200, 'k')), "a[" + std::string(80, 'k') + "…]");
  EXPECT_EQ(member_path("a", "\n"), "a[\\n]");
}

TEST(Utf8, IsFoundBadWhereItBreaks) {
  EXPECT_FALSE(find_bad_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  EXPECT_EQ(find_bad_utf8("ab\x80"), 2U);
  EXPECT_EQ(find_bad_utf8("\xe0\x80\x80"), 0U);
  EXPECT_EQ(find_bad_utf8("\xf0\x80\x80\x80"), 0U);
  EXPECT_EQ(find_bad_utf8("a\xf5\x80\x80\x80"), 1U);
}

std::string_view nearest_of(std::string_view word) {
  Nearest nearest(word);
  for (const std::string_view known : {"image", "imagePullPolicy", "name", "env", "envFrom", "volumeMounts"})
    nearest.consider(known);
  return nearest.best();
}

TEST(Nearest, AllowsAThirdOfTheLettersToBeWrong) {
  EXPECT_EQ(nearest_of("imgae"), "image");
  EXPECT_EQ(nearest_of("IMAGE"), "image");
  EXPECT_EQ(nearest_of("imagepullpolicy"), "imagePullPolicy");
  EXPECT_EQ(nearest_of("volumeMount"), "volumeMounts");
  EXPECT_EQ(nearest_of("nam"), "name");
  EXPECT_EQ(nearest_of("evn"), "env");
  EXPECT_EQ(nearest_of("completely"), "");
  EXPECT_EQ(nearest_of("x"), "");
  EXPECT_EQ(nearest_of(""), "");
  EXPECT_EQ(nearest_of(std::string(100'000, 'i')), "");
}

}  // namespace
}  // namespace tank::spec
