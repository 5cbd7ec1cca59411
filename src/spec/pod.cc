// Fields of core/v1 Pod and PodSpec, and the rules that look at several of them.
#include "spec/pod.h"

#include <set>

#include "spec/container.h"
#include "spec/dns.h"
#include "spec/fields.h"
#include "spec/pod_annotations.h"
#include "spec/scalar.h"
#include "spec/security.h"
#include "spec/volumes.h"

namespace tank::spec {

namespace {

// A deadline this far away still fits a clock of nanoseconds.
constexpr std::int64_t kMaxSeconds = 2147483647;

constexpr Word<RestartPolicy> kRestartPolicies[] = {
    {"Always", RestartPolicy::always}, {"OnFailure", RestartPolicy::on_failure}, {"Never", RestartPolicy::never}};
constexpr Word<DnsPolicy> kDnsPolicies[] = {{"ClusterFirst", DnsPolicy::cluster_first},
                                            {"ClusterFirstWithHostNet", DnsPolicy::cluster_first_with_host_net},
                                            {"Default", DnsPolicy::default_},
                                            {"None", DnsPolicy::none}};

struct Draft {
  Pod pod;
  Metadata metadata;
  std::vector<ContainerDraft> containers;
  std::vector<VolumeDraft> volumes;
  bool volumes_are_sound = true;
  PodSecurityDraft security;
  Place dns_policy;
};

constexpr Field<HostAlias> kHostAliasFields[] = {
    required<HostAlias>("ip", [](const Value& v, HostAlias& a) { assign(a.ip, v.ip_address()); }),
    optional<HostAlias>("hostnames", [](const Value& v, HostAlias& a) { a.hostnames = v.texts(kDnsSubdomain); }),
};

constexpr Field<std::string> kOsFields[] = {
    required<std::string>("name",
                          [](const Value& v, std::string& /*os*/) {
                            static constexpr Word<bool> kSystems[] = {{"linux", true}};
                            v.choice(kSystems);
                          }),
};

void read_os(const Value& value, Draft& /*draft*/) {
  std::string ignored;
  read_fields(value, kOsFields, ignored);
}

void read_volume_list(const Value& value, Draft& draft) {
  const std::size_t before = value.findings().error_count();
  draft.volumes = read_volumes(value);
  draft.volumes_are_sound = value.findings().error_count() == before;
}

void read_grace(const Value& value, Draft& draft) {
  if (const auto seconds = value.integer(0, kMaxSeconds)) draft.pod.termination_grace = std::chrono::seconds(*seconds);
}

void read_hostname(const Value& value, Draft& draft) {
  if (value.form() == Form::text && value.raw().empty()) return;
  assign(draft.pod.hostname, value.text(kDnsLabel));
}

void read_dns_policy(const Value& value, Draft& draft) {
  draft.dns_policy = value;
  assign(draft.pod.dns_policy, value.choice(kDnsPolicies));
}

constexpr Field<Draft> kSpecFields[] = {
    required<Draft>("containers", [](const Value& v, Draft& d) { d.containers = read_containers(v); }),
    optional<Draft>("volumes", read_volume_list),
    optional<Draft>("restartPolicy",
                    [](const Value& v, Draft& d) { assign(d.pod.restart_policy, v.choice(kRestartPolicies)); }),
    optional<Draft>("terminationGracePeriodSeconds", read_grace),
    optional<Draft>("hostNetwork", [](const Value& v, Draft& d) { assign(d.pod.host_network, v.boolean()); }),
    optional<Draft>("hostname", read_hostname),
    optional<Draft>("hostAliases",
                    [](const Value& v, Draft& d) { d.pod.host_aliases = read_list(v, kHostAliasFields); }),
    optional<Draft>("dnsPolicy", read_dns_policy),
    optional<Draft>("dnsConfig", [](const Value& v, Draft& d) { read_dns_config(v, d.pod.dns); }),
    optional<Draft>("securityContext", [](const Value& v, Draft& d) { read_pod_security(v, d.security); }),
    optional<Draft>("os", read_os),
    {{"nodeName", Standing::ignored, {}}},
    {{"nodeSelector", Standing::ignored, "{}"}},
    {{"affinity", Standing::ignored, "{}"}},
    {{"tolerations", Standing::ignored, {}}},
    {{"topologySpreadConstraints", Standing::ignored, {}}},
    {{"schedulerName", Standing::ignored, "default-scheduler"}},
    {{"priority", Standing::ignored, "0"}},
    {{"priorityClassName", Standing::ignored, {}}},
    {{"preemptionPolicy", Standing::ignored, "PreemptLowerPriority"}},
    {{"serviceAccountName", Standing::ignored, "default"}},
    {{"serviceAccount", Standing::ignored, "default"}},
    {{"automountServiceAccountToken", Standing::ignored, "false"}},
    {{"enableServiceLinks", Standing::ignored, "true"}},
    {{"overhead", Standing::ignored, "{}"}},
    {{"readinessGates", Standing::ignored, {}}},
    {{"initContainers", Standing::unsupported, {}}},
    {{"ephemeralContainers", Standing::unsupported, {}}},
    {{"activeDeadlineSeconds", Standing::unsupported, {}}},
    {{"hostPID", Standing::unsupported, "false"}},
    {{"hostIPC", Standing::unsupported, "false"}},
    {{"hostUsers", Standing::unsupported, "true"}},
    {{"shareProcessNamespace", Standing::unsupported, "false"}},
    {{"imagePullSecrets", Standing::unsupported, {}}},
    {{"runtimeClassName", Standing::unsupported, {}}},
    {{"subdomain", Standing::unsupported, {}}},
    {{"setHostnameAsFQDN", Standing::unsupported, "false"}},
    {{"hostnameOverride", Standing::unsupported, {}}},
    {{"schedulingGates", Standing::unsupported, {}}},
    {{"resourceClaims", Standing::unsupported, {}}},
    {{"resources", Standing::unsupported, "{}"}},
};

constexpr Field<Draft> kPodFields[] = {
    required<Draft>("apiVersion",
                    [](const Value& v, Draft& /*d*/) {
                      static constexpr Word<bool> kVersions[] = {{"v1", true}};
                      v.choice(kVersions);
                    }),
    required<Draft>("kind", [](const Value& /*v*/, Draft& /*d*/) {}),
    required<Draft>("metadata", [](const Value& v, Draft& d) { read_metadata(v, d.metadata); }),
    required<Draft>("spec", [](const Value& v, Draft& d) { read_fields(v, kSpecFields, d); }),
    {{"status", Standing::silent, {}}},
};

const VolumeDraft* find_volume(const Draft& draft, std::string_view name) {
  for (const VolumeDraft& volume : draft.volumes) {
    if (volume.volume.name == name) return &volume;
  }
  return nullptr;
}

void refuse_missing_volume(const Draft& draft, const MountDraft& mount) {
  Nearest nearest(mount.mount.volume);
  for (const VolumeDraft& volume : draft.volumes) nearest.consider(volume.volume.name);
  mount.name.refuse("the pod has no volume ", in_quotes(mount.mount.volume), nearest.hint());
}

// A list of volumes that could not be read says nothing about which names are missing.
std::vector<VolumeMount> finish_mounts(const Draft& draft, const ContainerDraft& container) {
  std::vector<VolumeMount> out;
  for (const MountDraft& mount : container.mounts) {
    const VolumeDraft* volume = find_volume(draft, mount.mount.volume);
    if (volume == nullptr && draft.volumes_are_sound && !mount.mount.volume.empty())
      refuse_missing_volume(draft, mount);
    if (volume != nullptr && !volume->is_token) out.push_back(mount.mount);
  }
  return out;
}

// A pod in the host's network has its ports there anyway; an API server then writes hostPort beside every
// containerPort.
void check_ports(const Draft& draft, const ContainerDraft& container) {
  for (const PortDraft& port : container.ports) {
    if (port.host_port == 0) continue;
    if (!draft.pod.host_network) {
      port.host_place.refuse("not supported yet");
    } else if (port.host_port != port.container_port) {
      port.host_place.refuse("must be the same as containerPort when hostNetwork is true");
    }
  }
}

void finish_containers(Draft& draft) {
  for (ContainerDraft& container : draft.containers) {
    container.container.mounts = finish_mounts(draft, container);
    container.container.security = merge_security(draft.security.identity, container.security);
    check_ports(draft, container);
    draft.pod.containers.push_back(std::move(container.container));
  }
}

void finish_security(Draft& draft) {
  draft.pod.supplemental_groups = std::move(draft.security.supplemental_groups);
  draft.pod.fs_group = draft.security.fs_group;
  for (SysctlDraft& sysctl : draft.security.sysctls) {
    const bool is_net = sysctl.sysctl.name.substr(0, 4) == "net.";
    if (is_net && draft.pod.host_network)
      sysctl.place.refuse("would change the host's network, since hostNetwork is true");
    draft.pod.sysctls.push_back(std::move(sysctl.sysctl));
  }
}

void finish(Draft& draft) {
  Pod& pod = draft.pod;
  pod.name = draft.metadata.name;
  pod.name_space = draft.metadata.name_space;
  pod.labels = std::move(draft.metadata.labels);
  pod.annotations = std::move(draft.metadata.annotations);
  finish_containers(draft);
  finish_security(draft);
  for (VolumeDraft& volume : draft.volumes) {
    if (!volume.is_token) pod.volumes.push_back(std::move(volume.volume));
  }
  if (pod.dns_policy == DnsPolicy::none && pod.dns.nameservers.empty()) {
    draft.dns_policy.refuse("the policy None needs dnsConfig.nameservers");
  }
}

}  // namespace

PodDraft read_pod(const Value& document) {
  Draft draft;
  draft.metadata.place = document;
  read_fields(document, kPodFields, draft);
  finish(draft);
  PodDraft out;
  out.attachments = read_pod_annotations(draft.metadata.notes, draft.pod);
  out.place = draft.metadata.place;
  out.pod = std::move(draft.pod);
  return out;
}

}  // namespace tank::spec
