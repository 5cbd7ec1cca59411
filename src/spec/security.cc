// Fields of core/v1 PodSecurityContext and SecurityContext.
#include "spec/security.h"

#include <set>

#include "spec/fields.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

struct SeccompDraft {
  std::optional<SeccompProfile::Type> type;
  std::optional<std::string> path;
};

constexpr Word<SeccompProfile::Type> kSeccompTypes[] = {{"RuntimeDefault", SeccompProfile::Type::runtime_default},
                                                        {"Unconfined", SeccompProfile::Type::unconfined},
                                                        {"Localhost", SeccompProfile::Type::localhost}};

constexpr Field<SeccompDraft> kSeccompFields[] = {
    required<SeccompDraft>("type", [](const Value& v, SeccompDraft& d) { d.type = v.choice(kSeccompTypes); }),
    optional<SeccompDraft>("localhostProfile", [](const Value& v, SeccompDraft& d) { d.path = v.text(kAbsolutePath); }),
};

std::optional<SeccompProfile> read_seccomp(const Value& value) {
  SeccompDraft draft;
  read_fields(value, kSeccompFields, draft);
  if (!draft.type) return std::nullopt;
  const bool is_localhost = *draft.type == SeccompProfile::Type::localhost;
  if (is_localhost && !draft.path)
    value.refuse("localhostProfile, an absolute path, is required when type is Localhost");
  if (!is_localhost && draft.path) value.refuse("localhostProfile must only be given when type is Localhost");
  return SeccompProfile{*draft.type, draft.path ? clean_path(*draft.path) : std::string()};
}

std::vector<std::string> read_capability_list(const Value& value) {
  std::vector<std::string> out;
  for (const Value& item : value.items()) {
    const auto name = item.text();
    if (!name) continue;
    std::string known = capability(*name);
    if (!known.empty()) {
      out.push_back(std::move(known));
      continue;
    }
    const std::string_view near = nearest_capability(*name);
    item.refuse("unknown capability ", in_quotes(*name), near.empty() ? "" : concat("; did you mean '", near, "'?"));
  }
  return out;
}

constexpr Field<SecurityContext> kCapabilityFields[] = {
    optional<SecurityContext>("add",
                              [](const Value& v, SecurityContext& c) { c.add_capabilities = read_capability_list(v); }),
    optional<SecurityContext>(
        "drop", [](const Value& v, SecurityContext& c) { c.drop_capabilities = read_capability_list(v); }),
};

void read_sysctl_name(const Value& value, SysctlDraft& draft) {
  draft.place = value;
  const auto name = value.text();
  if (!name) return;
  draft.sysctl.name = namespaced_sysctl(*name);
  if (!draft.sysctl.name.empty()) return;
  value.refuse(
      "must be a sysctl of the pod's own namespaces (net.*, kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*), not ",
      in_quotes(*name));
}

constexpr Field<SysctlDraft> kSysctlFields[] = {
    required<SysctlDraft>("name", read_sysctl_name),
    required<SysctlDraft>("value", [](const Value& v, SysctlDraft& d) { assign(d.sysctl.value, v.text()); }),
};

void read_sysctls(const Value& value, PodSecurityDraft& draft) {
  draft.sysctls = read_list(value, kSysctlFields);
  std::set<std::string_view> names;
  for (const auto& [sysctl, place] : draft.sysctls) {
    if (!sysctl.name.empty() && !names.insert(sysctl.name).second)
      place.refuse("the sysctl ", sysctl.name, " is given twice");
  }
}

void read_groups(const Value& value, PodSecurityDraft& draft) {
  for (const Value& item : value.items()) {
    if (const auto id = item.id()) draft.supplemental_groups.push_back(*id);
  }
}

template <typename Draft>
constexpr Field<Draft> run_as_user() {
  return optional<Draft>("runAsUser", [](const Value& v, Draft& d) { d.identity.user = v.id(); });
}
template <typename Draft>
constexpr Field<Draft> run_as_group() {
  return optional<Draft>("runAsGroup", [](const Value& v, Draft& d) { d.identity.group = v.id(); });
}
template <typename Draft>
constexpr Field<Draft> run_as_non_root() {
  return optional<Draft>("runAsNonRoot", [](const Value& v, Draft& d) { d.identity.non_root = v.boolean(); });
}
template <typename Draft>
constexpr Field<Draft> seccomp_profile() {
  return optional<Draft>("seccompProfile", [](const Value& v, Draft& d) { d.identity.seccomp = read_seccomp(v); });
}

constexpr Field<PodSecurityDraft> kPodFields[] = {
    run_as_user<PodSecurityDraft>(),
    run_as_group<PodSecurityDraft>(),
    run_as_non_root<PodSecurityDraft>(),
    seccomp_profile<PodSecurityDraft>(),
    optional<PodSecurityDraft>("supplementalGroups", read_groups),
    optional<PodSecurityDraft>("fsGroup", [](const Value& v, PodSecurityDraft& d) { d.fs_group = v.id(); }),
    optional<PodSecurityDraft>("sysctls", read_sysctls),
    {{"fsGroupChangePolicy", Standing::ignored, "Always"}},
    {{"supplementalGroupsPolicy", Standing::unsupported, "Merge"}},
    {{"seLinuxOptions", Standing::unsupported, "{}"}},
    {{"seLinuxChangePolicy", Standing::unsupported, {}}},
    {{"appArmorProfile", Standing::unsupported, {}}},
    {{"windowsOptions", Standing::unsupported, "{}"}},
};

constexpr Field<SecurityDraft> kContainerFields[] = {
    run_as_user<SecurityDraft>(),
    run_as_group<SecurityDraft>(),
    run_as_non_root<SecurityDraft>(),
    seccomp_profile<SecurityDraft>(),
    optional<SecurityDraft>("capabilities",
                            [](const Value& v, SecurityDraft& d) { read_fields(v, kCapabilityFields, d.context); }),
    optional<SecurityDraft>("readOnlyRootFilesystem",
                            [](const Value& v, SecurityDraft& d) {
                              if (v.boolean().value_or(false)) d.context.readonly_root_filesystem = Readonly::yes;
                            }),
    optional<SecurityDraft>("allowPrivilegeEscalation",
                            [](const Value& v, SecurityDraft& d) { d.allow_escalation = v.boolean(); }),
    optional<SecurityDraft>("privileged",
                            [](const Value& v, SecurityDraft& d) { assign(d.context.privileged, v.boolean()); }),
    {{"procMount", Standing::unsupported, "Default"}},
    {{"seLinuxOptions", Standing::unsupported, "{}"}},
    {{"appArmorProfile", Standing::unsupported, {}}},
    {{"windowsOptions", Standing::unsupported, "{}"}},
};

}  // namespace

void read_pod_security(const Value& value, PodSecurityDraft& draft) { read_fields(value, kPodFields, draft); }

void read_security(const Value& value, SecurityDraft& draft) {
  draft.place = value;
  read_fields(value, kContainerFields, draft);
}

SecurityContext merge_security(const Identity& pod, const SecurityDraft& container) {
  SecurityContext out = container.context;
  const Identity& own = container.identity;
  out.run_as_user = own.user ? own.user : pod.user;
  out.run_as_group = own.group ? own.group : pod.group;
  out.run_as_non_root = own.non_root.value_or(pod.non_root.value_or(false));
  out.seccomp = own.seccomp.value_or(pod.seccomp.value_or(SeccompProfile{}));
  out.allow_privilege_escalation = container.allow_escalation.value_or(true);
  if (out.run_as_non_root && out.run_as_user == Id{0}) {
    container.place.refuse("runAsNonRoot contradicts runAsUser 0");
  }
  if (out.privileged && !out.allow_privilege_escalation) {
    container.place.refuse("a privileged container cannot have allowPrivilegeEscalation false");
  }
  return out;
}

}  // namespace tank::spec
