#include "oci/resources.h"

#include <gtest/gtest.h>

#include <limits>

namespace tank::oci {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kGiB = std::int64_t{1} << 30U;

tank::Resources cpu(std::optional<std::int64_t> limit, std::optional<std::int64_t> request) {
  tank::Resources out;
  if (limit) out.cpu_limit = Millicores{*limit};
  if (request) out.cpu_request = Millicores{*request};
  return out;
}

TEST(PlanResources, LeavesTheKernelsDefaultsWhereNothingIsSaid) {
  const Resources got = plan_resources({});
  EXPECT_FALSE(got.memory_limit || got.memory_swap || got.cpu_shares || got.cpu_quota || got.cpu_period ||
               got.pids_limit);
}

TEST(PlanResources, ScalesProcessorTime) {
  struct Case {
    std::optional<std::int64_t> limit, request;
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;
  };
  const std::vector<Case> cases{
      {1000, {}, 1024, 100000},
      {1500, 250, 256, 150000},
      {1, 1, 2, 1000},
      {9, {}, 9, 1000},
      {10, {}, 10, 1000},
      {11, {}, 11, 1100},
      {{}, 500, 512, {}},
      {{}, 1, 2, {}},
      {{}, 0, {}, {}},
      {0, {}, {}, {}},
      {kMost, kMost, 262144, kMost},
      {{}, 256000, 262144, {}},
  };
  for (const Case& c : cases) {
    const Resources got = plan_resources(cpu(c.limit, c.request));
    EXPECT_EQ(got.cpu_shares, c.shares) << c.limit.value_or(-1);
    EXPECT_EQ(got.cpu_quota, c.quota) << c.limit.value_or(-1);
    EXPECT_EQ(got.cpu_period.has_value(), c.quota.has_value());
  }
}

TEST(PlanResources, GivesNoSwapBeyondTheMemoryLimit) {
  tank::Resources wanted;
  wanted.memory_limit = Bytes{kGiB};
  wanted.memory_request = Bytes{1};
  wanted.pids_limit = 7;
  const Resources got = plan_resources(wanted);
  EXPECT_EQ(got.memory_limit, kGiB);
  EXPECT_EQ(got.memory_swap, kGiB);
  EXPECT_EQ(got.memory_reservation, std::nullopt);
  EXPECT_EQ(got.pids_limit, 7);
}

Container asking(std::optional<std::int64_t> cpu_limit, std::optional<std::int64_t> cpu_request,
                 std::optional<std::int64_t> memory_limit, std::optional<std::int64_t> memory_request) {
  Container out;
  out.resources = cpu(cpu_limit, cpu_request);
  if (memory_limit) out.resources.memory_limit = Bytes{*memory_limit};
  if (memory_request) out.resources.memory_request = Bytes{*memory_request};
  return out;
}

TEST(ServiceOf, IsThePodsAsAWhole) {
  const Container pinned = asking(100, 100, kGiB, kGiB);
  const Container implied = asking(100, {}, kGiB, {});
  const Container nothing = asking({}, {}, {}, {});
  const Container some = asking({}, 1, {}, {});
  const auto service = [](std::vector<Container> containers) {
    Pod pod;
    pod.containers = std::move(containers);
    return service_of(pod);
  };
  EXPECT_EQ(service({nothing}), Service::best_effort);
  EXPECT_EQ(service({nothing, asking(0, 0, 0, 0)}), Service::best_effort);
  EXPECT_EQ(service({pinned, implied}), Service::guaranteed);
  EXPECT_EQ(service({pinned, nothing}), Service::burstable);
  EXPECT_EQ(service({some}), Service::burstable);
  EXPECT_EQ(service({asking(100, 50, kGiB, kGiB)}), Service::burstable);
  EXPECT_EQ(service({asking(100, 100, {}, kGiB)}), Service::burstable);
}

TEST(OomScoreAdj, FollowsTheClassOfService) {
  const auto score = [](Container container, std::int64_t memory) {
    Pod pod;
    pod.containers = {container};
    return plan_oom_score_adj(pod, container, Bytes{memory});
  };
  EXPECT_EQ(score(asking(1, 1, kGiB, kGiB), 4 * kGiB), -997);
  EXPECT_EQ(score(asking({}, {}, {}, {}), 4 * kGiB), 1000);
  EXPECT_EQ(score(asking({}, {}, {}, kGiB), 4 * kGiB), 750);
  EXPECT_EQ(score(asking({}, 1, {}, {}), 4 * kGiB), 999);
  EXPECT_EQ(score(asking({}, {}, {}, 1), 4 * kGiB), 999);
  EXPECT_EQ(score(asking({}, {}, {}, 4 * kGiB), 4 * kGiB), 3);
  EXPECT_EQ(score(asking({}, {}, {}, kMost), 4 * kGiB), 3);
  EXPECT_EQ(score(asking({}, {}, {}, kGiB), 0), 999);
}

}  // namespace
}  // namespace tank::oci
