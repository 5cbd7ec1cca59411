// A document of kind Pod: read on its own first, then finished once every document of the file is known.
#pragma once

#include <vector>

#include "spec/metadata.h"
#include "spec/network.h"
#include "spec/value.h"
#include "tank/pod.h"

namespace tank::spec {

struct PodDraft {
  Pod pod;  ///< all but nics
  Place place;
  std::vector<Attachment> attachments;
};

/// Everything that needs only this document, checks across its fields included.
PodDraft read_pod(const Value& document);

}  // namespace tank::spec
