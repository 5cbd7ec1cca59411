#include "image/challenge.h"

#include <gtest/gtest.h>

namespace tank::image {
namespace {

TEST(ParseChallenges, ReadsABearerChallenge) {
  const auto list = parse_challenges(
      R"(Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push")");
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].scheme, "bearer");
  EXPECT_EQ(list[0].parameters.at("realm"), "https://auth.example/token");
  EXPECT_EQ(list[0].parameters.at("scope"), "repository:a/b:pull,push");
}

TEST(ParseChallenges, ReadsSeveralInOneHeader) {
  const auto list = parse_challenges(R"(Negotiate, BASIC Realm = "x \"y\"" , charset=UTF-8, bearer realm=z)");
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].scheme, "negotiate");
  EXPECT_EQ(list[1].scheme, "basic");
  EXPECT_EQ(list[1].parameters.at("realm"), "x \"y\"");
  EXPECT_EQ(list[1].parameters.at("charset"), "UTF-8");
  EXPECT_EQ(list[2].parameters.at("realm"), "z");
}

TEST(ParseChallenges, EndsOnWhateverComes) {
  for (const std::string& text :
       std::vector<std::string>{"", ",", "=", "a=b", "\"", "Bearer realm=\"x", "Bearer =", "Bearer realm=", ", , ,",
                                "Basic \"x\"", std::string("\0\0=\"", 4), std::string(100000, ',')}) {
    (void)parse_challenges(text);
  }
  EXPECT_TRUE(parse_challenges("a=b").empty());
}

}  // namespace
}  // namespace tank::image
