// From requests and limits to what the kernel is told: cgroup numbers and the out-of-memory score.
#pragma once

#include "oci/config.h"
#include "oci/host.h"
#include "tank/pod.h"

namespace tank::oci {

/// Memory: the limit, and no swap beyond it. Processor: the limit as quota of each 100 ms (at least 1 ms, below which
/// the kernel refuses), the request as shares of 1024 a core (at least 2); a limit without a request counts as one.
/// Without either the kernel's own default weight stays. Device rules are not filled in here.
Resources plan_resources(const tank::Resources& wanted);

/// Kubernetes' classes of service, of the pod as a whole.
enum class Service : std::uint8_t {
  guaranteed,   ///< every container limits processor and memory, and requests just that
  burstable,    ///< somebody asks for something
  best_effort,  ///< nobody asks for anything
};
Service service_of(const Pod& pod);

/// −997 for guaranteed pods, 1000 for best-effort ones; between them the smaller the more memory the container
/// requests, 3 … 999. Lowering it below the starting process's own needs CAP_SYS_RESOURCE; whoever applies it clamps.
int plan_oom_score_adj(const Pod& pod, const Container& container, Bytes host_memory);

}  // namespace tank::oci
