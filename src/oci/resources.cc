#include "oci/resources.h"

#include <algorithm>

namespace tank::oci {

namespace {

constexpr std::int64_t kPeriod = 100'000;    // microseconds
constexpr std::int64_t kLeastQuota = 1'000;  // microseconds: min_cfs_quota_period of the kernel
constexpr std::int64_t kLeastShares = 2;
constexpr std::int64_t kMostShares = 262'144;

/// The request, which a limit alone implies.
template <typename Amount>
std::optional<Amount> requested(const std::optional<Amount>& request, const std::optional<Amount>& limit) {
  return request ? request : limit;
}

template <typename Amount>
bool is_pinned(const std::optional<Amount>& request, const std::optional<Amount>& limit) {
  return limit && limit->count > 0 && requested(request, limit) == limit;
}

template <typename Amount>
bool is_some(const std::optional<Amount>& amount) {
  return amount && amount->count > 0;
}

__extension__ using Wide = __int128;

/// a × b ÷ c without leaving 64 bits for any sane a; what is out of scale anyway is capped.
std::int64_t scale(std::int64_t a, std::int64_t b, std::int64_t c) {
  const Wide wide = static_cast<Wide>(a) * b / c;
  return static_cast<std::int64_t>(std::min<Wide>(wide, INT64_MAX));
}

}  // namespace

Resources plan_resources(const tank::Resources& wanted) {
  Resources out;
  if (is_some(wanted.memory_limit)) {
    out.memory_limit = wanted.memory_limit->count;
    out.memory_swap = wanted.memory_limit->count;
  }
  if (const auto request = requested(wanted.cpu_request, wanted.cpu_limit); request && request->count > 0) {
    const std::int64_t shares = scale(request->count, 1024, 1000);
    out.cpu_shares = static_cast<std::uint64_t>(std::clamp(shares, kLeastShares, kMostShares));
  }
  if (is_some(wanted.cpu_limit)) {
    out.cpu_quota = std::max(scale(wanted.cpu_limit->count, kPeriod, 1000), kLeastQuota);
    out.cpu_period = static_cast<std::uint64_t>(kPeriod);
  }
  out.pids_limit = wanted.pids_limit;
  return out;
}

Service service_of(const Pod& pod) {
  const auto asks = [](const Container& container) {
    const tank::Resources& r = container.resources;
    return is_some(r.cpu_limit) || is_some(r.cpu_request) || is_some(r.memory_limit) || is_some(r.memory_request);
  };
  const auto pinned = [](const Container& container) {
    const tank::Resources& r = container.resources;
    return is_pinned(r.cpu_request, r.cpu_limit) && is_pinned(r.memory_request, r.memory_limit);
  };
  if (std::none_of(pod.containers.begin(), pod.containers.end(), asks)) return Service::best_effort;
  if (std::all_of(pod.containers.begin(), pod.containers.end(), pinned)) return Service::guaranteed;
  return Service::burstable;
}

int plan_oom_score_adj(const Pod& pod, const Container& container, Bytes host_memory) {
  switch (service_of(pod)) {
    case Service::guaranteed: return -997;
    case Service::best_effort: return 1000;
    case Service::burstable: break;
  }
  const auto request = requested(container.resources.memory_request, container.resources.memory_limit);
  if (!request || host_memory.count <= 0) return 999;
  const std::int64_t score = 1000 - std::min<std::int64_t>(scale(1000, request->count, host_memory.count), 1000);
  // 2 and below are left to what Kubernetes keeps above its pods; 1000 to best-effort ones.
  return static_cast<int>(std::clamp<std::int64_t>(score, 3, 999));
}

}  // namespace tank::oci
