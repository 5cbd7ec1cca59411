// resources of a container: limits and requests.
#pragma once

#include "spec/value.h"
#include "tank/pod.h"

namespace tank::spec {

/// As in Kubernetes a request that is not given is the limit, and a limit of 0 is no limit. Leaves pids_limit alone.
void read_resources(const Value& value, Resources& resources);

}  // namespace tank::spec
