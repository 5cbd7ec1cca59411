#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oci/seccomp.h"

namespace tank::oci {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<Seccomp> parse(std::string_view text, const std::vector<std::string>& capabilities = {},
                      const char* architecture = "amd64") {
  return parse_seccomp_profile(text, capabilities, architecture);
}

TEST(ParseSeccompProfile, RefusesBrokenDocuments) {
  for (
      const auto* wrong : {
          "",
          "[]",
          "null",
          "{",
          R"({"defaultAction":"SCMP_ACT_ALLOW"} x)",
          R"({})",
          R"({"defaultAction":1})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscals":[]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[1]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{}]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"x","arg":[]}]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[1],"action":"x"}]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"x","args":[{"index":6,"op":"o"}]}]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"x","args":[{"index":-1,"op":"o"}]}]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"x","args":[{"index":0}]}]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"x","args":[{"index":0.5,"op":"o"}]}]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","defaultErrnoRet":4096})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":"x"})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"x","includes":{"minKernel":"x"}}]})",
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"x","includes":{"other":[]}}]})",
      }) {
    const auto refused = parse(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().kind(), Kind::invalid) << wrong;
  }
  EXPECT_FALSE(parse(std::string((1U << 20U) + 1, ' ')));
  EXPECT_FALSE(parse(std::string(100'000, '[')));
}

TEST(ParseSeccompProfile, RefusesWhatItCannotCarryOut) {
  for (
      const auto* wrong :
      {R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/x"})",
       R"({"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_NEW_LISTENER"]})",
       R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"x","includes":{"minKernel":"7.1"}}]})"}) {
    EXPECT_EQ(parse(wrong).error().kind(), Kind::unsupported) << wrong;
  }
  EXPECT_EQ(parse(R"({"defaultAction":"SCMP_ACT_ALLOW"})", {}, "s390x").error().kind(), Kind::unsupported);
  // Actions are known only when the program is made.
  const auto notify =
      parse(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mount"],"action":"SCMP_ACT_NOTIFY"}]})");
  ASSERT_TRUE(notify);
  EXPECT_THAT(compile_seccomp(*notify).error().sentence(), HasSubstr("SCMP_ACT_NOTIFY"));
}

TEST(ParseSeccompProfile, TakesTheRuntimeSpecsForm) {
  const auto got = parse(R"({
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_PPC"],
    "flags": ["SECCOMP_FILTER_FLAG_TSYNC"],
    "syscalls": [
      {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
      {"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
       "args": [{"index": 0, "value": 18446744073709551615, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}]}]})");
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_EQ(got->default_action, "SCMP_ACT_ERRNO");
  EXPECT_EQ(got->default_errno_ret, 38U);
  EXPECT_THAT(got->architectures, ElementsAre("SCMP_ARCH_X86", "SCMP_ARCH_X86_64"));
  ASSERT_EQ(got->rules.size(), 2U);
  EXPECT_THAT(got->rules[0].names, ElementsAre("read", "write"));
  EXPECT_EQ(got->rules[1].errno_ret, 1U);
  EXPECT_EQ(got->rules[1].args[0].value, UINT64_MAX);
  EXPECT_EQ(got->rules[1].args[0].value_two, 2U);
  EXPECT_TRUE(compile_seccomp(*got));
}

TEST(ParseSeccompProfile, ResolvesDockersConditions) {
  constexpr auto kText = R"({
    "defaultAction": "SCMP_ACT_ERRNO",
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
    "syscalls": [
      {"name": "a", "action": "SCMP_ACT_ALLOW", "args": null, "comment": "", "includes": {}, "excludes": {}},
      {"names": ["b"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_X"]}},
      {"names": ["c"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_X"]}},
      {"names": ["d"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm", "arm64"]}},
      {"names": ["e"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
      {"names": ["f"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_X", "CAP_Y"]}},
      {"names": ["g"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["s390x"]}},
      {"names": ["h"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "4.8"}}]})";
  const auto names = [&](const std::vector<std::string>& capabilities, const char* architecture) {
    const auto got = parse(kText, capabilities, architecture);
    EXPECT_TRUE(got);
    std::string out;
    for (const SeccompRule& rule : got->rules) out += rule.names[0];
    return out;
  };
  EXPECT_EQ(names({}, "amd64"), "aceg");
  EXPECT_EQ(names({"CAP_X"}, "amd64"), "abeg");
  EXPECT_EQ(names({"CAP_X", "CAP_Y"}, "arm64"), "abdefg");
  EXPECT_THAT(parse(kText)->architectures, ElementsAre("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"));
  EXPECT_THAT(parse(kText, {}, "arm64")->architectures, ElementsAre("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"));
}

TEST(ParseSeccompProfile, NeedsNoRules) {
  const auto got = parse(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":null})");
  ASSERT_TRUE(got);
  EXPECT_THAT(got->rules, IsEmpty());
  EXPECT_THAT(got->architectures, ElementsAre("SCMP_ARCH_X86_64"));
}

}  // namespace
}  // namespace tank::oci
