// One container of a pod as the manifest has it, before what it shares with the pod is known.
#pragma once

#include <vector>

#include "spec/security.h"
#include "spec/value.h"
#include "tank/pod.h"

namespace tank::spec {

struct MountDraft {
  VolumeMount mount;
  Place name;
  Place path;
};

/// A port is only information here, but for what it asks of the host.
struct PortDraft {
  std::int64_t container_port = 0;
  std::int64_t host_port = 0;
  std::string name;
  Place place;
  Place host_place;
};

struct ContainerDraft {
  Container container;  ///< all but mounts and security
  SecurityDraft security;
  std::vector<MountDraft> mounts;
  std::vector<PortDraft> ports;
  Place name;
};

/// Names are unique in what comes back.
std::vector<ContainerDraft> read_containers(const Value& value);

/// Kubernetes' default for an image without imagePullPolicy: always for a moving tag, if_not_present for a fixed one
/// and for images that are not pulled at all.
PullPolicy default_pull_policy(std::string_view image);

}  // namespace tank::spec
