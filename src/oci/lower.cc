#include "oci/lower.h"

#include "oci/capabilities.h"
#include "oci/command.h"
#include "oci/confinement.h"
#include "oci/mounts.h"
#include "oci/resources.h"
#include "oci/seccomp.h"

namespace tank::oci {

namespace {

Result<Process> lower_process(const LowerInput& input) {
  const Identity identity = TRY(resolve_user(input.container, input.pod, input.image, input.users));
  const Variables variables = manifest_variables(input.container);
  Process out;
  out.terminal = input.container.tty;
  out.user = identity.user;
  out.args = TRY(resolve_args(input.container, input.image, variables));
  out.env = TRY(resolve_env(input.container, input.image, variables, input.hostname, identity.home));
  out.cwd = TRY(resolve_working_dir(input.container, input.image));
  out.capabilities = TRY(resolve_capabilities(input.container.security, input.host.bounding));
  out.rlimits = {input.host.open_files};
  out.no_new_privileges = !input.container.security.allow_privilege_escalation;
  out.oom_score_adj = plan_oom_score_adj(input.pod, input.container, input.host.memory);
  return out;
}

Result<std::optional<Seccomp>> lower_seccomp(const LowerInput& input, const Capabilities& capabilities) {
  const SecurityContext& security = input.container.security;
  std::optional<Seccomp> out;
  if (security.privileged || security.seccomp.type == SeccompProfile::Type::unconfined) return out;
  if (security.seccomp.type == SeccompProfile::Type::localhost) {
    out = TRY(parse_seccomp_profile(input.seccomp_profile, capabilities.bounding, input.host.architecture)
                  .while_doing("seccomp profile '", security.seccomp.localhost_profile, "'"));
    return out;
  }
  out = TRY(default_seccomp(capabilities.bounding, input.host.architecture));
  return out;
}

std::vector<Namespace> plan_namespaces(const Pod& pod) {
  std::vector<Namespace> out{{"pid", ""}, {"ipc", ""}, {"uts", ""}, {"mount", ""}, {"cgroup", ""}};
  if (!pod.host_network) out.push_back({"network", ""});
  return out;
}

Result<Linux> lower_linux(const LowerInput& input, const Capabilities& capabilities) {
  const SecurityContext& security = input.container.security;
  Linux out;
  out.namespaces = plan_namespaces(input.pod);
  out.devices = plan_devices(security, input.host);
  out.resources = plan_resources(input.container.resources);
  out.resources.devices = plan_device_rules(security);
  out.cgroups_path = input.cgroups_path;
  out.seccomp = TRY(lower_seccomp(input, capabilities));
  out.masked_paths = plan_masked_paths(security, input.host);
  out.readonly_paths = plan_readonly_paths(security);
  for (const Sysctl& sysctl : input.pod.sysctls) out.sysctl[sysctl.name] = sysctl.value;
  return out;
}

Result<Config> lower_all(const LowerInput& input) {
  Config out;
  out.process = TRY(lower_process(input));
  out.root.path = input.root_path;
  out.root.readonly = input.container.security.readonly_root_filesystem == Readonly::yes;
  out.hostname = input.hostname;
  out.mounts = TRY(plan_mounts(input.container.security, input.mounts));
  out.linux_ = TRY(lower_linux(input, out.process.capabilities));
  // Who it is, for readers of the file. Labels of the image stay out: whoever acts on annotations must not act on what
  // an image says (CVE-2026-53488).
  out.annotations = {{"tank/pod", to_string_key(input.pod)}, {"tank/container", input.container.name}};
  return out;
}

}  // namespace

Result<Config> lower(const LowerInput& input) {
  return lower_all(input).while_doing("container '", input.container.name, "'");
}

}  // namespace tank::oci
