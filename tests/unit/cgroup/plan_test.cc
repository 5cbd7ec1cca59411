#include "cgroup/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tank::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Layout pure() {
  return {
      .unified = "/c", .v1 = {}, .unified_controllers = {"cpu", "io", "memory", "pids"}, .devices = DeviceControl::bpf};
}

Layout hybrid() {
  return {.unified = "/c/unified",
          .v1 = {{"cpu", "/c/cpu"},
                 {"cpuacct", "/c/cpu"},
                 {"memory", "/c/memory"},
                 {"pids", "/c/pids"},
                 {"devices", "/c/devices"}},
          .unified_controllers = {"hugetlb"},
          .devices = DeviceControl::bpf};
}

/// Rows as "file=value", those that need not exist with a question mark.
std::vector<std::string> rows(const std::vector<Row>& rows) {
  std::vector<std::string> out;
  for (const Row& row : rows) {
    out.push_back(concat(row.file.native(), row.presence == Row::Presence::required ? "=" : "?=", row.value));
  }
  return out;
}

Plan planned(const Layout& layout, const oci::Resources& wanted) {
  const Result<Plan> result = plan(layout, "u", {{"web", wanted}});
  EXPECT_TRUE(result) << (result ? "" : to_string(result.error()));
  return result.value_or(Plan{});
}

const oci::Resources kEverything{.memory_limit = 1000,
                                 .memory_reservation = 500,
                                 .cpu_shares = 1024,
                                 .cpu_quota = 20000,
                                 .cpu_period = 50000,
                                 .pids_limit = 9};

TEST(Plan, OnTheHybridLayoutNoLimitMeansNoV1Directory) {
  const Plan made = planned(hybrid(), {});
  EXPECT_EQ(made.unified_pod, "/c/unified/tank/u");
  EXPECT_THAT(made.v1_pods, IsEmpty());
  EXPECT_THAT(made.controllers, IsEmpty());
  EXPECT_EQ(made.leaves[0].unified_directory, "/c/unified/tank/u/web");
  EXPECT_THAT(made.leaves[0].v1_directories, IsEmpty());
  EXPECT_THAT(made.leaves[0].rows, IsEmpty());
  EXPECT_THAT(made.leaves[0].device_program, IsEmpty());
}

TEST(Plan, OnTheHybridLayoutALimitJoinsItsHierarchyAlone) {
  const Plan made = planned(hybrid(), {.pids_limit = 9});
  EXPECT_THAT(made.v1_pods, ElementsAre("/c/pids/tank/u"));
  EXPECT_THAT(made.leaves[0].v1_directories, ElementsAre("/c/pids/tank/u/web"));
  EXPECT_THAT(rows(made.leaves[0].rows), ElementsAre("/c/pids/tank/u/web/pids.max=9"));
}

TEST(Plan, OnTheHybridLayoutLimitsAreWrittenInTheOrderTheKernelWants) {
  const Plan made = planned(hybrid(), kEverything);
  const std::string memory = "/c/memory/tank/u/web/", cpu = "/c/cpu/tank/u/web/";
  EXPECT_THAT(rows(made.leaves[0].rows),
              ElementsAre(memory + "memory.limit_in_bytes=1000", memory + "memory.memsw.limit_in_bytes?=1000",
                          memory + "memory.soft_limit_in_bytes?=500", cpu + "cpu.cfs_period_us=50000",
                          cpu + "cpu.cfs_quota_us=20000", cpu + "cpu.shares=1024", "/c/pids/tank/u/web/pids.max=9"));
  EXPECT_THAT(made.v1_pods, ElementsAre("/c/cpu/tank/u", "/c/memory/tank/u", "/c/pids/tank/u"));
  EXPECT_THAT(rows(made.pod_rows), ElementsAre("/c/cpu/tank/u/cpu.shares=1024"));
}

TEST(Plan, OnPureV2LimitsGoToTheOneLeaf) {
  const Plan made = planned(pure(), kEverything);
  const std::string leaf = "/c/tank/u/web/";
  EXPECT_THAT(
      rows(made.leaves[0].rows),
      ElementsAre(leaf + "memory.swap.max?=0", leaf + "memory.oom.group?=1", leaf + "memory.max=1000",
                  leaf + "memory.low=500", leaf + "cpu.max=20000 50000", leaf + "cpu.weight=39", leaf + "pids.max=9"));
  EXPECT_THAT(rows(made.pod_rows), ElementsAre("/c/tank/u/cpu.weight=39"));
  EXPECT_THAT(made.leaves[0].v1_directories, IsEmpty());
}

TEST(Plan, OnPureV2AccountingIsWantedAlwaysAndWhatALimitNeedsIsRequired) {
  const auto needs = [](const Plan& made) {
    std::vector<std::string> out;
    for (const auto& [name, need] : made.controllers)
      out.push_back(name + (need == Controller::Need::limit ? "!" : ""));
    return out;
  };
  EXPECT_THAT(needs(planned(pure(), {})), ElementsAre("cpu", "memory", "pids"));
  EXPECT_THAT(needs(planned(pure(), {.pids_limit = 9})), ElementsAre("cpu", "memory", "pids!"));
}

TEST(Plan, UnlimitedNeedsNoRow) {
  const oci::Resources unlimited{
      .memory_limit = -1, .memory_swap = -1, .memory_reservation = -1, .cpu_quota = -1, .pids_limit = -1};
  EXPECT_THAT(planned(pure(), unlimited).leaves[0].rows, IsEmpty());
  EXPECT_THAT(planned(hybrid(), unlimited).leaves[0].v1_directories, IsEmpty());
  EXPECT_THAT(planned(hybrid(), {.pids_limit = 0}).leaves[0].rows, IsEmpty());
}

TEST(Plan, SwapIsWhatIsBeyondMemoryOnV2AndTheSumOnV1) {
  EXPECT_EQ(rows(planned(pure(), {.memory_limit = 1000, .memory_swap = 1500}).leaves[0].rows)[0],
            "/c/tank/u/web/memory.swap.max?=500");
  EXPECT_EQ(rows(planned(pure(), {.memory_limit = 1000, .memory_swap = -1}).leaves[0].rows)[0],
            "/c/tank/u/web/memory.swap.max?=max");
  EXPECT_EQ(rows(planned(hybrid(), {.memory_limit = 1000, .memory_swap = 1500}).leaves[0].rows)[1],
            "/c/memory/tank/u/web/memory.memsw.limit_in_bytes?=1500");
  EXPECT_EQ(rows(planned(hybrid(), {.memory_limit = 1000, .memory_swap = -1}).leaves[0].rows)[1],
            "/c/memory/tank/u/web/memory.memsw.limit_in_bytes?=-1");
}

TEST(Plan, APodCompetesWithWhatItsContainersAskedForTogether) {
  const Result<Plan> made = plan(pure(), "u", {{"a", {.cpu_shares = 1024}}, {"b", {}}, {"c", {.cpu_shares = 2048}}});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->pod_rows[0].value, std::to_string(weight_from_shares(3072)));
  EXPECT_THAT(planned(pure(), {}).pod_rows, IsEmpty());
}

TEST(Plan, NumbersThatTheKernelRefusesAreRefusedWithTheirName) {
  struct Case {
    oci::Resources wanted;
    const char* limit;
  };
  const Case cases[] = {
      {{.memory_limit = 0}, "memory limit"},
      {{.memory_limit = -2}, "memory limit"},
      {{.memory_limit = 1000, .memory_swap = 999}, "memory and swap"},
      {{.memory_swap = 1000}, "swap is limited but memory is not"},
      {{.memory_reservation = -2}, "reservation"},
      {{.cpu_quota = 999}, "quota"},
      {{.cpu_quota = 0}, "quota"},
      {{.cpu_quota = 5000, .cpu_period = 999}, "period"},
      {{.cpu_quota = 5000, .cpu_period = 1000001}, "period"},
      {{.cpu_shares = 1}, "shares"},
      {{.cpu_shares = 262145}, "shares"},
      {{.devices = {{.type = 'p'}}}, "device rule"},
  };
  for (const Case& wrong : cases) {
    const Result<Plan> made = plan(pure(), "u", {{"web", wrong.wanted}});
    ASSERT_FALSE(made) << wrong.limit;
    EXPECT_EQ(made.error().kind(), Kind::invalid);
    EXPECT_THAT(made.error().sentence(), HasSubstr(wrong.limit));
    EXPECT_THAT(made.error().sentence(), HasSubstr("'web'"));
  }
}

TEST(Plan, ALimitWithoutAControllerIsUnsupportedAndNamed) {
  Layout bare = hybrid();
  bare.v1.clear();
  bare.devices = DeviceControl::none;
  const std::pair<oci::Resources, const char*> cases[] = {{{.memory_limit = 1000}, "memory limit of container 'web'"},
                                                          {{.memory_reservation = 1}, "memory reservation"},
                                                          {{.cpu_quota = 1000}, "cpu limit"},
                                                          {{.cpu_shares = 2}, "cpu share"},
                                                          {{.pids_limit = 1}, "pids limit"},
                                                          {{.devices = {{.allow = false}}}, "device rules"}};
  for (const auto& [wanted, name] : cases) {
    const Result<Plan> made = plan(bare, "u", {{"web", wanted}});
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().kind(), Kind::unsupported);
    EXPECT_THAT(made.error().sentence(), HasSubstr(name));
  }
  EXPECT_TRUE(plan(bare, "u", {{"web", {}}}));
}

TEST(Plan, DeviceRulesBecomeAProgramOrLinesButNothingWhenTheyAllowAll) {
  Layout layout = hybrid();
  const oci::Resources confined{.devices = {{.allow = false}}};
  EXPECT_FALSE(planned(layout, confined).leaves[0].device_program.empty());
  EXPECT_THAT(planned(layout, confined).leaves[0].v1_directories, IsEmpty());
  EXPECT_TRUE(planned(layout, {.devices = {{.allow = true}}}).leaves[0].device_program.empty());
  layout.devices = DeviceControl::v1;
  EXPECT_TRUE(planned(layout, confined).leaves[0].device_program.empty());
  EXPECT_THAT(rows(planned(layout, confined).leaves[0].rows), ElementsAre("/c/devices/tank/u/web/devices.deny=a"));
  EXPECT_THAT(planned(layout, {.devices = {{.allow = true}}}).leaves[0].v1_directories, IsEmpty());
}

TEST(Plan, WithoutAUnifiedHierarchySomeV1DirectoryHoldsTheProcesses) {
  Layout layout = hybrid();
  layout.unified.clear();
  layout.unified_controllers.clear();
  EXPECT_THAT(planned(layout, {}).leaves[0].v1_directories, ElementsAre("/c/pids/tank/u/web"));
  EXPECT_THAT(planned(layout, {.memory_limit = 1000}).leaves[0].v1_directories, ElementsAre("/c/memory/tank/u/web"));
  EXPECT_TRUE(planned(layout, {}).leaves[0].unified_directory.empty());
  layout.v1.clear();
  EXPECT_FALSE(plan(layout, "u", {{"web", {}}}));
}

TEST(Plan, NamesNeverBecomePaths) {
  const std::string longest(63, 'a');
  EXPECT_TRUE(plan(pure(), longest, {{longest, {}}}));
  for (const std::string& wrong :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("A"), std::string("a.b"),
        std::string("a_b"), std::string("a\0b", 3), longest + "a"}) {
    EXPECT_FALSE(plan(pure(), wrong, {})) << wrong;
    EXPECT_FALSE(plan(pure(), "u", {{wrong, {}}})) << wrong;
    Layout layout = pure();
    layout.parent = wrong;
    EXPECT_FALSE(plan(layout, "u", {})) << wrong;
  }
  EXPECT_FALSE(plan(pure(), "u", {{"-a", {}}}));
  EXPECT_FALSE(plan(pure(), "u", {{"a-", {}}}));
  EXPECT_FALSE(plan(pure(), "u", {{"a", {}}, {"a", {}}}));
}

TEST(Plan, TheNameOfAV1FileIsNoDirectoryName) {
  const Result<Plan> made = plan(hybrid(), "tasks", {{"tasks", {.pids_limit = 1}}});
  ASSERT_TRUE(made);
  EXPECT_THAT(made->leaves[0].v1_directories, ElementsAre("/c/pids/tank/tasks_/tasks_"));
}

TEST(WeightFromShares, KeepsTheEndsAndTheOrder) {
  EXPECT_EQ(weight_from_shares(2), 1U);
  EXPECT_EQ(weight_from_shares(1024), 39U);
  EXPECT_EQ(weight_from_shares(262144), 10000U);
  EXPECT_EQ(weight_from_shares(0), 1U);
  EXPECT_EQ(weight_from_shares(1 << 30), 10000U);
}

}  // namespace
}  // namespace tank::cgroup
