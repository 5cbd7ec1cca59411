// Security contexts, of the pod and of a container, before they are merged.
#pragma once

#include <optional>
#include <vector>

#include "spec/value.h"
#include "tank/pod.h"

namespace tank::spec {

/// What a pod's and a container's security context have in common; unset where the manifest is silent.
struct Identity {
  std::optional<Id> user;
  std::optional<Id> group;
  std::optional<bool> non_root;
  std::optional<SeccompProfile> seccomp;
};

struct SysctlDraft {
  Sysctl sysctl;
  Place place;
};

struct PodSecurityDraft {
  Identity identity;
  std::vector<Id> supplemental_groups;
  std::optional<Id> fs_group;
  std::vector<SysctlDraft> sysctls;
};

struct SecurityDraft {
  Identity identity;
  SecurityContext context;  ///< all but the identity
  std::optional<bool> allow_escalation;
  Place place;
};

void read_pod_security(const Value& value, PodSecurityDraft& draft);
void read_security(const Value& value, SecurityDraft& draft);

/// The container's context with the pod's values where its own are unset; checks what only the result can tell.
SecurityContext merge_security(const Identity& pod, const SecurityDraft& container);

}  // namespace tank::spec
