// Who this process is and how much it may use: user, groups, resource limits, its place in the queue of the OOM killer.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tank/result.h"

namespace tank::sys {

/// Supplementary groups exactly these, then all group ids, then all user ids.
Result<> become_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups);

/// "RLIMIT_NOFILE" and its like.
std::optional<int> resource_by_name(std::string_view name);
/// Without the right to raise the hard limit, the wish is cut to what is allowed (prlimit(2)).
Result<> limit_resource(int resource, std::uint64_t soft, std::uint64_t hard);
/// Best effort: lowering it needs CAP_SYS_RESOURCE, and no workload is worth failing for it. Through the
/// /proc that is mounted here: call it while that is still the host's.
void set_oom_score_adjustment(int adjustment);

}  // namespace tank::sys
