// The volumes of a pod.
#pragma once

#include <vector>

#include "spec/value.h"
#include "tank/pod.h"

namespace tank::spec {

struct VolumeDraft {
  Volume volume;
  Place place;            ///< of the name
  bool is_token = false;  ///< the service account token that an API server adds; left out of the pod
};

/// Names are unique in what comes back.
std::vector<VolumeDraft> read_volumes(const Value& value);

}  // namespace tank::spec
