// What a container may use, seen from within, and how it is told when it took too much.
#include <gmock/gmock.h>

#include "pod_events.h"
#include "pod_fixture.h"
#include "support/probe.h"

namespace tank::test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

constexpr const char* kEatMuch = "[/bin/probe, eat-memory, \"268435456\", then, exit, \"0\"]";
constexpr const char* kSmall = "    resources: {limits: {memory: 16Mi}}\n";

class LimitsTest : public PodTest {
 protected:
  LimitsTest() : before_(look()) {}
  void TearDown() override { expect_unchanged(before_); }

  std::string annotated(const std::string& annotations, const std::string& command) const {
    std::string text = manifest(command);
    const std::string plain = "metadata: {name: test}";
    return text.replace(text.find(plain), plain.size(), "metadata: {name: test, annotations: {" + annotations + "}}");
  }

 private:
  HostSnapshot before_;
};

TEST_F(LimitsTest, RunningOutOfMemoryIsToldApart) {
  const Outcome outcome = run_manifest(manifest(kEatMuch, kSmall), {"--events"});
  EXPECT_EQ(outcome.code, 137) << to_string(outcome);
  const auto signaled = events_of(outcome.err, "signaled");
  ASSERT_EQ(signaled.size(), 1U) << to_string(outcome);
  EXPECT_EQ(signaled[0].at("signal").as_int64(), 9);
  EXPECT_TRUE(signaled[0].at("oom_killed").as_bool());
}

TEST_F(LimitsTest, RunningOutOfMemoryIsSaidToPeople) {
  const Outcome outcome = run_manifest(manifest(kEatMuch, kSmall));
  EXPECT_EQ(outcome.code, 137) << to_string(outcome);
  EXPECT_THAT(outcome.err, HasSubstr("memory"));
  EXPECT_THAT(outcome.err, HasSubstr("default/test/main"));
}

TEST_F(LimitsTest, WithoutALimitTheSameAmountIsFine) {
  const Outcome outcome = run_manifest(manifest("[/bin/probe, eat-memory, \"67108864\"]"));
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_EQ(outcome.out, "ate 67108864\n");
}

TEST_F(LimitsTest, TheOtherContainerIsNotToldThatItRanOut) {
  const std::string side = "  - {name: side, image: " + image() + ", command: [/bin/probe, exit, \"0\"]}\n";
  const Outcome outcome = run_manifest(manifest(kEatMuch, kSmall) + side, {"--events"});
  EXPECT_EQ(outcome.code, 137) << to_string(outcome);
  const auto exited = events_of(outcome.err, "exited");
  ASSERT_EQ(exited.size(), 1U) << to_string(outcome);
  EXPECT_EQ(exited[0].at("container").as_string(), "side");
}

TEST_F(LimitsTest, NoMoreProcessesThanAllowed) {
  const Outcome outcome = run_manifest(annotated("tank/pids-limit: \"8\"", "[/bin/probe, fork, \"50\"]"));
  EXPECT_EQ(outcome.out, "forked 7 of 50: EAGAIN\n") << to_string(outcome);
}

TEST_F(LimitsTest, ALimitOfOneContainerByName) {
  const Outcome outcome =
      run_manifest(annotated("tank/pids-limit: \"50\", tank/pids-limit.main: \"5\"", "[/bin/probe, fork, \"10\"]"));
  EXPECT_EQ(outcome.out, "forked 4 of 10: EAGAIN\n") << to_string(outcome);
}

TEST_F(LimitsTest, TheQuotaOfProcessorTimeIsVisible) {
  const Outcome outcome = run_manifest(manifest(
      "[/bin/probe, report, cgroup]", "    resources: {limits: {cpu: 200m, memory: 64Mi}, requests: {cpu: 100m}}\n"));
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  const json::value report = parse_report(outcome.out);
  const json::object& limits = report.at("cgroup").at("limits").as_object();
  const bool unified = limits.contains("cpu.max");
  if (unified) {
    EXPECT_EQ(limits.at("cpu.max").as_string(), "20000 100000");
    EXPECT_EQ(limits.at("memory.max").as_string(), "67108864");
    EXPECT_EQ(limits.at("memory.oom.group").as_string(), "1");
  } else {
    EXPECT_EQ(limits.at("cpu/cpu.cfs_quota_us").as_string(), "20000");
    EXPECT_EQ(limits.at("cpu/cpu.cfs_period_us").as_string(), "100000");
    EXPECT_EQ(limits.at("memory/memory.limit_in_bytes").as_string(), "67108864");
  }
}

}  // namespace
}  // namespace tank::test
