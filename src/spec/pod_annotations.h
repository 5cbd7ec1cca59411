// The annotations of a pod that ask Tank for something: tank/… and k8s.v1.cni.cncf.io/networks.
#pragma once

#include <vector>

#include "spec/metadata.h"
#include "spec/network.h"
#include "tank/pod.h"

namespace tank::spec {

/// Puts tank/… into the pod, whose containers and hostNetwork must be known, and gives back the networks asked for.
std::vector<Attachment> read_pod_annotations(const std::vector<Annotation>& annotations, Pod& pod);

}  // namespace tank::spec
