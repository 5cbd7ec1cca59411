// Fields of core/v1 Container.
#include "spec/container.h"

#include <set>

#include "spec/fields.h"
#include "spec/resources.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

enum class Protocol : std::uint8_t { tcp, udp, sctp };

constexpr Word<PullPolicy> kPullPolicies[] = {
    {"Always", PullPolicy::always}, {"IfNotPresent", PullPolicy::if_not_present}, {"Never", PullPolicy::never}};
constexpr Word<Protocol> kProtocols[] = {{"TCP", Protocol::tcp}, {"UDP", Protocol::udp}, {"SCTP", Protocol::sctp}};

struct Draft : ContainerDraft {
  std::optional<PullPolicy> pull_policy;
};

constexpr Field<EnvVar> kEnvFields[] = {
    required<EnvVar>("name", [](const Value& v, EnvVar& e) { assign(e.name, v.text(kEnvName)); }),
    optional<EnvVar>("value", [](const Value& v, EnvVar& e) { assign(e.value, v.text()); }),
    {{"valueFrom", Standing::unsupported, {}}},
};

void read_env(const Value& value, Draft& draft) {
  std::set<std::string> names;
  for (const Value& item : value.items()) {
    EnvVar variable;
    read_fields(item, kEnvFields, variable);
    if (!variable.name.empty() && !names.insert(variable.name).second) {
      item.warn("the variable ", in_quotes(variable.name), " is given before; the last value wins");
    }
    draft.container.env.push_back(std::move(variable));
  }
}

constexpr Field<MountDraft> kMountFields[] = {
    required<MountDraft>("name",
                         [](const Value& v, MountDraft& m) {
                           m.name = v;
                           assign(m.mount.volume, v.text(kDnsLabel));
                         }),
    required<MountDraft>("mountPath",
                         [](const Value& v, MountDraft& m) {
                           m.path = v;
                           if (const auto path = v.text(kMountPath)) m.mount.path = clean_path(*path);
                         }),
    optional<MountDraft>("readOnly",
                         [](const Value& v, MountDraft& m) {
                           if (v.boolean().value_or(false)) m.mount.readonly = Readonly::yes;
                         }),
    optional<MountDraft>("subPath",
                         [](const Value& v, MountDraft& m) {
                           if (v.raw().empty() && v.form() == Form::text) return;  // "" is the volume itself
                           if (const auto path = v.text(kRelativePath)) m.mount.sub_path = clean_path(*path);
                         }),
    {{"subPathExpr", Standing::unsupported, {}}},
    {{"mountPropagation", Standing::unsupported, "None"}},
    {{"recursiveReadOnly", Standing::unsupported, "Disabled"}},
};

void read_mounts(const Value& value, Draft& draft) {
  draft.mounts = read_list(value, kMountFields);
  std::set<std::string_view> paths;
  for (const MountDraft& mount : draft.mounts) {
    const std::string& path = mount.mount.path;
    if (!path.empty() && !paths.insert(path).second)
      mount.path.refuse("something is mounted at ", in_quotes(path), " already");
  }
}

constexpr Field<PortDraft> kPortFields[] = {
    required<PortDraft>("containerPort",
                        [](const Value& v, PortDraft& p) { assign(p.container_port, v.integer(1, 65535)); }),
    optional<PortDraft>("name",
                        [](const Value& v, PortDraft& p) {
                          p.place = v;
                          assign(p.name, v.text(kPortName));
                        }),
    optional<PortDraft>("protocol", [](const Value& v, PortDraft& /*port*/) { v.choice(kProtocols); }),
    optional<PortDraft>("hostPort",
                        [](const Value& v, PortDraft& p) {
                          p.host_place = v;
                          assign(p.host_port, v.integer(0, 65535));
                        }),
    {{"hostIP", Standing::unsupported, {}}},
};

void read_ports(const Value& value, Draft& draft) {
  draft.ports = read_list(value, kPortFields);
  std::set<std::string_view> names;
  for (const PortDraft& port : draft.ports) {
    if (!port.name.empty() && !names.insert(port.name).second)
      port.place.refuse("the port name ", in_quotes(port.name), " is given twice");
  }
}

constexpr Field<Draft> kContainerFields[] = {
    required<Draft>("name",
                    [](const Value& v, Draft& d) {
                      d.name = v;
                      assign(d.container.name, v.text(kDnsLabel));
                    }),
    required<Draft>("image", [](const Value& v, Draft& d) { assign(d.container.image, v.text(kImage)); }),
    optional<Draft>("imagePullPolicy", [](const Value& v, Draft& d) { d.pull_policy = v.choice(kPullPolicies); }),
    optional<Draft>("command", [](const Value& v, Draft& d) { d.container.command = v.texts(); }),
    optional<Draft>("args", [](const Value& v, Draft& d) { d.container.args = v.texts(); }),
    optional<Draft>("env", read_env),
    optional<Draft>("workingDir",
                    [](const Value& v, Draft& d) {
                      if (const auto path = v.text(kAbsolutePath)) d.container.working_dir = clean_path(*path);
                    }),
    optional<Draft>("tty", [](const Value& v, Draft& d) { assign(d.container.tty, v.boolean()); }),
    optional<Draft>("stdin", [](const Value& v, Draft& d) { assign(d.container.stdin_open, v.boolean()); }),
    optional<Draft>("volumeMounts", read_mounts),
    optional<Draft>("ports", read_ports),
    optional<Draft>("resources", [](const Value& v, Draft& d) { read_resources(v, d.container.resources); }),
    optional<Draft>("securityContext", [](const Value& v, Draft& d) { read_security(v, d.security); }),
    {{"terminationMessagePath", Standing::ignored, "/dev/termination-log"}},
    {{"terminationMessagePolicy", Standing::ignored, "File"}},
    {{"resizePolicy", Standing::ignored, {}}},
    {{"envFrom", Standing::unsupported, {}}},
    {{"livenessProbe", Standing::unsupported, {}}},
    {{"readinessProbe", Standing::unsupported, {}}},
    {{"startupProbe", Standing::unsupported, {}}},
    {{"lifecycle", Standing::unsupported, "{}"}},
    {{"stdinOnce", Standing::unsupported, "false"}},
    {{"volumeDevices", Standing::unsupported, {}}},
    {{"restartPolicy", Standing::unsupported, {}}},
    {{"restartPolicyRules", Standing::unsupported, {}}},
};

ContainerDraft read_container(const Value& value) {
  Draft draft;
  draft.name = value;
  draft.security.place = value;
  read_fields(value, kContainerFields, draft);
  draft.container.pull_policy = draft.pull_policy.value_or(default_pull_policy(draft.container.image));
  return draft;
}

}  // namespace

std::vector<ContainerDraft> read_containers(const Value& value) {
  std::vector<ContainerDraft> out;
  std::set<std::string> names;
  const std::vector<Value> items = value.items();
  if (items.empty() && value.form() == Form::list) value.refuse("must have at least one container");
  for (const Value& item : items) {
    ContainerDraft draft = read_container(item);
    const std::string& name = draft.container.name;
    if (!name.empty() && !names.insert(name).second)
      draft.name.refuse("the container name ", in_quotes(name), " is given twice");
    out.push_back(std::move(draft));
  }
  return out;
}

PullPolicy default_pull_policy(std::string_view image) {
  for (const std::string_view transport : {"oci:", "oci-archive:", "docker-archive:", "rootfs:"}) {
    if (image.substr(0, transport.size()) == transport) return PullPolicy::if_not_present;
  }
  if (image.find('@') != std::string_view::npos) return PullPolicy::if_not_present;
  const std::string_view last = image.substr(image.rfind('/') + 1);
  const auto colon = last.find(':');
  const bool moves = colon == std::string_view::npos || last.substr(colon + 1) == "latest";
  return moves ? PullPolicy::always : PullPolicy::if_not_present;
}

}  // namespace tank::spec
