#include "oci/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tank::oci {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::StartsWith;

using Words = std::vector<std::string>;

TEST(Expand, DoesAsKubernetesDoes) {
  const Variables known{{"A", "1"}, {"EMPTY", ""}, {"NEST", "$(A)"}, {"odd.name", "x"}};
  const std::vector<std::pair<const char*, const char*>> cases{
      {"", ""},
      {"plain", "plain"},
      {"$(A)", "1"},
      {"x$(A)y$(A)z", "x1y1z"},
      {"$(EMPTY)", ""},
      {"$(NEST)", "$(A)"},
      {"$(odd.name)", "x"},
      {"$(UNKNOWN)", "$(UNKNOWN)"},
      {"$()", "$()"},
      {"$$(A)", "$(A)"},
      {"$$$(A)", "$1"},
      {"$$$$(A)", "$$(A)"},
      {"$$", "$"},
      {"$", "$"},
      {"a$", "a$"},
      {"$A", "$A"},
      {"${A}", "${A}"},
      {"$(A", "$(A"},
      {"$(A$(A)", "$(A$(A)"},
      {"$((A)", "$((A)"},
      {"$(A))", "1)"},
      {"100%$(A)$", "100%1$"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(expand(text, known), wanted) << text;
}

TEST(ManifestVariables, SeeOnlyThoseBeforeThem) {
  Container container;
  container.env = {{"LATE", "$(B)"}, {"B", "2"}, {"C", "$(B)$(LATE)"}, {"B", "$(B)3"}, {"SELF", "$(SELF)"}};
  const Variables got = manifest_variables(container);
  EXPECT_THAT(got, ElementsAre(std::pair("LATE", "$(B)"), std::pair("B", "23"), std::pair("C", "2$(B)"),
                               std::pair("SELF", "$(SELF)")));
}

struct ArgsCase {
  Words command, args, entrypoint, cmd, wanted;
};

TEST(ResolveArgs, CommandReplacesEntrypointAndArgsReplacesCmd) {
  const std::vector<ArgsCase> cases{
      {{}, {}, {"e", "1"}, {"c", "2"}, {"e", "1", "c", "2"}},
      {{}, {}, {}, {"c", "2"}, {"c", "2"}},
      {{}, {}, {"e"}, {}, {"e"}},
      {{"k"}, {}, {"e", "1"}, {"c", "2"}, {"k"}},
      {{}, {"a"}, {"e", "1"}, {"c", "2"}, {"e", "1", "a"}},
      {{"k", "1"}, {"a"}, {"e", "1"}, {"c", "2"}, {"k", "1", "a"}},
      {{}, {"a"}, {}, {"c"}, {"a"}},
      {{"$(V)"}, {"$$(V)", "$(W)"}, {}, {}, {"v", "$(V)", "$(W)"}},
      {{}, {}, {"$(V)"}, {"$$"}, {"$(V)", "$$"}},
      {{"k", ""}, {""}, {}, {}, {"k", "", ""}},
  };
  for (const ArgsCase& c : cases) {
    Container container;
    container.command = c.command;
    container.args = c.args;
    ImageConfig image;
    image.entrypoint = c.entrypoint;
    image.cmd = c.cmd;
    const auto got = resolve_args(container, image, {{"V", "v"}});
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, c.wanted);
  }
}

TEST(ResolveArgs, RefusesNothingAndNulBytes) {
  Container container;
  container.name = "c";
  EXPECT_EQ(resolve_args(container, {}, {}).error().kind(), Kind::invalid);
  ImageConfig image;
  image.entrypoint = {""};
  EXPECT_FALSE(resolve_args(container, image, {}));
  image.entrypoint = {"/bin/sh", std::string("-c\0 evil", 8)};
  EXPECT_EQ(resolve_args(container, image, {}).error().kind(), Kind::invalid);
}

TEST(ResolveEnv, PutsTheManifestOverTheImageOverTheDefaults) {
  Container container;
  container.tty = true;
  ImageConfig image;
  image.env = {"IMAGE=1", "BOTH=image", "PATH=/image/bin", "EQUALS=a=b", "BARE", "=nameless", "EMPTY="};
  const auto got = resolve_env(container, image, {{"OWN", "2"}, {"BOTH", "own"}}, "host-7", "/home/u");
  ASSERT_TRUE(got);
  EXPECT_THAT(*got, ElementsAre("PATH=/image/bin", "HOSTNAME=host-7", "TERM=xterm", "IMAGE=1", "BOTH=own", "EQUALS=a=b",
                                "EMPTY=", "OWN=2", "HOME=/home/u"));
}

TEST(ResolveEnv, HasDefaultsAndNothingOfTheHost) {
  ASSERT_EQ(setenv("TANK_TEST_LEAK", "1", 1), 0);
  const auto got = resolve_env({}, {}, {}, "h", "/");
  ASSERT_TRUE(got);
  EXPECT_THAT(*got,
              ElementsAre("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=h", "HOME=/"));
  ImageConfig image;
  image.env = {"HOME=/said", "TANK_TEST_LEAK", "HOSTNAME=mine"};
  const auto said = resolve_env({}, image, {}, "h", "/");
  EXPECT_THAT(*said, Contains("HOME=/said"));
  EXPECT_THAT(*said, Contains("HOSTNAME=mine"));
  EXPECT_THAT(*said, Not(Contains(StartsWith("TANK_TEST_LEAK"))));
  EXPECT_THAT(*said, Not(Contains(StartsWith("TERM="))));
}

TEST(ResolveEnv, RefusesNulBytes) {
  ImageConfig image;
  image.env = {std::string("A=b\0c", 5)};
  EXPECT_EQ(resolve_env({}, image, {}, "h", "/").error().kind(), Kind::invalid);
}

TEST(ResolveWorkingDir, IsAbsoluteAndClean) {
  const std::vector<std::array<const char*, 3>> cases{
      {"", "", "/"},
      {"", "app", "/app"},
      {"", "/app/", "/app"},
      {"/own", "/app", "/own"},
      {"", "//x//y", "/x/y"},
      {"", "../../etc", "/etc"},
      {"", "/a/./b/../c", "/a/c"},
      {"", "/..", "/"},
      {"", ".", "/"},
      {"", "/proc/self/fd/../..", "/proc"},
      {"", "a/..", "/"},
      {"", "...", "/..."},
  };
  for (const auto& [own, from_image, wanted] : cases) {
    Container container;
    container.working_dir = own;
    ImageConfig image;
    image.working_dir = from_image;
    EXPECT_EQ(*resolve_working_dir(container, image), wanted) << own << " " << from_image;
  }
  ImageConfig image;
  image.working_dir = std::string("/a\0b", 4);
  EXPECT_FALSE(resolve_working_dir({}, image));
}

TEST(ParseSignal, TakesNamesAndNumbers) {
  const std::vector<std::pair<const char*, int>> cases{
      {"", 15},           {"SIGTERM", 15},  {"TERM", 15},     {"sigterm", 15},  {"15", 15},
      {"SIGKILL", 9},     {"9", 9},         {"1", 1},         {"64", 64},       {"SIGRTMIN", 34},
      {"SIGRTMIN+3", 37}, {"RTMIN+30", 64}, {"SIGRTMAX", 64}, {"RTMAX-14", 50}, {"SIGRTMAX-30", 34},
      {"SIGQUIT", 3},     {"SIGWINCH", 28}, {"USR1", 10},     {"SIGPWR", 30},   {"SIGCLD", 17},
  };
  for (const auto& [text, wanted] : cases) {
    const auto got = parse_signal(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, wanted) << text;
  }
}

TEST(ParseSignal, RefusesTheRest) {
  for (const auto* wrong : {"0", "65", "-1", "+9", " 9", "9 ", "SIG", "SIGSIGTERM", "SIGFOO", "SIGRTMIN+31", "RTMIN+",
                            "RTMIN-1", "RTMAX+1", "RTMAX-31", "RTMIN+-1", "RTMIN+3x", "TERM\n", "4294967311"}) {
    EXPECT_FALSE(parse_signal(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace tank::oci
