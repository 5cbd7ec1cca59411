// Pods: every rule that refuses, every default, every merge.
#include "tank/pod.h"

#include "manifests.h"
#include "spec/container.h"

namespace tank::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Refusal {
  std::string pod;
  std::string container;
  const char* path;
  const char* words;
};

void expect_refusals(const std::vector<Refusal>& refusals) {
  for (const auto& [pod, container, path, words] : refusals) expect_error(pod_with(pod, container), path, words);
}

TEST(ContainerFields, AreRefusedWithTheirPath) {
  const std::string c = "spec.containers[0].";
  const struct {
    const char* fields;
    const char* path;
    const char* words;
  } cases[] = {
      {", command: x", "command", "must be a list, not a scalar"},
      {", command: [1]", "command[0]", "write \"1\""},
      {", command: [~]", "command[0]", "must be a string, not null"},
      {", args: [a, {b: c}]", "args[1]", "must be a string, not a map"},
      {", args: [\"a\\0b\"]", "args[0]", "NUL"},
      {", tty: \"true\"", "tty", "must be true or false, not the string 'true'"},
      {", stdin: 1", "stdin", "must be true or false, not '1'"},
      {", tty: []", "tty", "must be true or false, not a list"},
      {", workingDir: srv", "workingDir", "absolute path"},
      {", workingDir: /a/../b", "workingDir", "absolute path"},
      {", imagePullPolicy: always", "imagePullPolicy", "one of Always, IfNotPresent, Never, not 'always'"},
      {", env: [{value: x}]", "env[0]", "name is required"},
      {", env: [{name: \"\"}]", "env[0].name", "printable"},
      {", env: [{name: a=b}]", "env[0].name", "other than '='"},
      {", env: [{name: A, value: 1}]", "env[0].value", "without quotes is a number: write \"1\""},
      {", env: [{name: A, value: yes}]", "env[0].value", "without quotes is a boolean: write \"yes\""},
      {", env: [{name: A, valueFrom: {fieldRef: {}}}]", "env[0].valueFrom", "not supported yet"},
      {", env: {A: b}", "env", "must be a list, not a map"},
      {", envFrom: [{configMapRef: {name: x}}]", "envFrom", "not supported yet"},
      {", livenessProbe: {exec: {command: [x]}}", "livenessProbe", "not supported yet"},
      {", readinessProbe: {}", "readinessProbe", "not supported yet"},
      {", startupProbe: {}", "startupProbe", "not supported yet"},
      {", lifecycle: {preStop: {}}", "lifecycle", "not supported yet"},
      {", stdinOnce: true", "stdinOnce", "not supported yet"},
      {", restartPolicy: Always", "restartPolicy", "not supported yet"},
      {", volumeDevices: [{}]", "volumeDevices", "not supported yet"},
      {", imagepullpolicy: Never", "imagepullpolicy", "unknown field; did you mean 'imagePullPolicy'?"},
      {", whatever: 1", "whatever", "unknown field"},
      {", ports: [{}]", "ports[0]", "containerPort is required"},
      {", ports: [{containerPort: 0}]", "ports[0].containerPort", "from 1 to 65535, not '0'"},
      {", ports: [{containerPort: 65536}]", "ports[0].containerPort", "from 1 to 65535"},
      {", ports: [{containerPort: \"80\"}]", "ports[0].containerPort", "not the string '80': write it without quotes"},
      {", ports: [{containerPort: 080}]", "ports[0].containerPort", "without leading zeros"},
      {", ports: [{containerPort: 0x50}]", "ports[0].containerPort", "without leading zeros"},
      {", ports: [{containerPort: 8e1}]", "ports[0].containerPort", "whole number"},
      {", ports: [{containerPort: 80, protocol: tcp}]", "ports[0].protocol", "one of TCP, UDP, SCTP"},
      {", ports: [{containerPort: 80, name: Web}]", "ports[0].name", "service name"},
      {", ports: [{containerPort: 80, name: w}, {containerPort: 81, name: w}]", "ports[1].name", "given twice"},
      {", ports: [{containerPort: 80, hostPort: 80}]", "ports[0].hostPort", "not supported yet"},
      {", ports: [{containerPort: 80, hostIP: 127.0.0.1}]", "ports[0].hostIP", "not supported yet"},
      {", resources: {limits: {cpu: 2x}}", "resources.limits.cpu", "must be a quantity"},
      {", resources: {limits: {memory: -1}}", "resources.limits.memory", "must not be negative"},
      {", resources: {limits: {memory: 9Ei}}", "resources.limits.memory", "below 2^63"},
      {", resources: {limits: {memory: []}}", "resources.limits.memory", "must be a quantity"},
      {", resources: {limits: {mem: 1}}", "resources.limits.mem", "unknown field"},
      {", resources: {limits: {ephemeral-storage: 1Gi}}", "resources.limits.ephemeral-storage", "not supported yet"},
      {", resources: {limits: {hugepages-2Mi: 1Gi}}", "resources.limits.hugepages-2Mi", "not supported yet"},
      {", resources: {limits: {nvidia.com/gpu: 1}}", "resources.limits[nvidia.com/gpu]", "unknown field"},
      {", resources: {limits: {cpu: 1}, requests: {cpu: 1001m}}", "resources.requests.cpu",
       "must not exceed the limit"},
      {", resources: {limits: {memory: 0}, requests: {memory: 1}}", "resources.requests.memory",
       "must not exceed the limit"},
      {", resources: {claims: [{name: x}]}", "resources.claims", "not supported yet"},
      {", securityContext: {runAsUser: -1}", "securityContext.runAsUser", "from 0 to 2147483647"},
      {", securityContext: {runAsUser: 2147483648}", "securityContext.runAsUser", "from 0 to 2147483647"},
      {", securityContext: {runAsUser: 4294967296}", "securityContext.runAsUser", "from 0 to 2147483647"},
      {", securityContext: {runAsGroup: www}", "securityContext.runAsGroup", "whole number"},
      {", securityContext: {runAsNonRoot: true, runAsUser: 0}", "securityContext",
       "runAsNonRoot contradicts runAsUser 0"},
      {", securityContext: {privileged: true, allowPrivilegeEscalation: false}", "securityContext",
       "allowPrivilegeEscalation false"},
      {", securityContext: {capabilities: {add: [NET_ADMN]}}", "securityContext.capabilities.add[0]",
       "did you mean 'NET_ADMIN'?"},
      {", securityContext: {capabilities: {drop: ALL}}", "securityContext.capabilities.drop", "must be a list"},
      {", securityContext: {seccompProfile: {}}", "securityContext.seccompProfile", "type is required"},
      {", securityContext: {seccompProfile: {type: Local}}", "securityContext.seccompProfile.type",
       "one of RuntimeDefault"},
      {", securityContext: {seccompProfile: {type: Localhost}}", "securityContext.seccompProfile",
       "is required when type is Localhost"},
      {", securityContext: {seccompProfile: {type: Localhost, localhostProfile: a.json}}",
       "securityContext.seccompProfile.localhostProfile", "absolute path"},
      {", securityContext: {seccompProfile: {type: Unconfined, localhostProfile: /a}}",
       "securityContext.seccompProfile", "only be given"},
      {", securityContext: {procMount: Unmasked}", "securityContext.procMount", "not supported yet"},
      {", securityContext: {seLinuxOptions: {level: s0}}", "securityContext.seLinuxOptions", "not supported yet"},
      {", securityContext: {appArmorProfile: {type: Unconfined}}", "securityContext.appArmorProfile",
       "not supported yet"},
      {", securityContext: {readOnlyRootFileSystem: true, }", "securityContext.readOnlyRootFileSystem",
       "did you mean 'readOnlyRootFilesystem'?"},
      {", securityContext: true", "securityContext", "must be a map of fields, not a scalar"},
  };
  for (const auto& [fields, path, words] : cases) {
    const bool localhost = std::string_view(fields).find("localhostProfile: a.json") != std::string_view::npos;
    if (localhost) continue;  // two findings: see below
    expect_error(pod_with("", fields), c + path, words);
  }
  EXPECT_THAT(
      errors_of(pod_with("", ", securityContext: {seccompProfile: {type: Localhost, localhostProfile: a.json}}")),
      testing::Contains(HasSubstr("localhostProfile: must be an absolute path")));
}

TEST(Mounts, AreRefusedWithTheirPath) {
  const std::string volumes = ", volumes: [{name: v}, {name: data}]";
  const std::string m = "spec.containers[0].volumeMounts";
  const auto mount = [](const std::string& fields) { return ", volumeMounts: [" + fields + "]"; };
  expect_error(pod_with(volumes, mount("{name: v}")), m + "[0]", "mountPath is required");
  expect_error(pod_with(volumes, mount("{mountPath: /a}")), m + "[0]", "name is required");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: a}")), m + "[0].mountPath", "absolute path");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: /}")), m + "[0].mountPath", "not the root itself");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: /a/../b}")), m + "[0].mountPath", "absolute path");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: /a}, {name: data, mountPath: /a//}")), m + "[1].mountPath",
               "mounted at '/a' already");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: /a, subPath: /b}")), m + "[0].subPath", "relative path");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: /a, subPath: b/../../c}")), m + "[0].subPath",
               "relative path");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: /a, subPathExpr: $(A)}")), m + "[0].subPathExpr",
               "not supported yet");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: /a, mountPropagation: Bidirectional}")),
               m + "[0].mountPropagation", "not supported yet");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: /a, recursiveReadOnly: Enabled}")),
               m + "[0].recursiveReadOnly", "not supported yet");
  expect_error(pod_with(volumes, mount("{name: v, mountPath: /a, readonly: true}")), m + "[0].readonly",
               "did you mean 'readOnly'?");
  expect_error(pod_with(volumes, mount("{name: daat, mountPath: /a}")), m + "[0].name",
               "no volume 'daat'; did you mean 'data'?");
}

TEST(Mounts, NameEveryMissingVolume) {
  EXPECT_THAT(errors_of(pod_with("", ", volumeMounts: [{name: x, mountPath: /x}, {name: z, mountPath: /z}]")),
              ElementsAre(HasSubstr("volumeMounts[0].name: the pod has no volume 'x'"),
                          HasSubstr("volumeMounts[1].name: the pod has no volume 'z'")));
  // Broken volumes are one complaint, not one more for each use.
  expect_error(pod_with(", volumes: [{name: X}]", ", volumeMounts: [{name: x, mountPath: /x}]"), "spec.volumes[0].name",
               "DNS label");
}

TEST(PodFields, AreRefusedWithTheirPath) {
  expect_refusals({
      {", volumes: {}", "", "spec.volumes", "must be a list, not a map"},
      {", volumes: [x]", "", "spec.volumes[0]", "must be a map of fields"},
      {", volumes: [{}]", "", "spec.volumes[0]", "name is required"},
      {", volumes: [{name: a.b}]", "", "spec.volumes[0].name", "DNS label"},
      {", volumes: [{name: a}, {name: a}]", "", "spec.volumes[1].name", "given twice"},
      {", volumes: [{name: a, emptyDir: {}, hostPath: {path: /a}}]", "", "spec.volumes[0].hostPath",
       "one source, and this one has emptyDir"},
      {", volumes: [{name: a, configMap: {name: x}}]", "", "spec.volumes[0].configMap", "not supported yet"},
      {", volumes: [{name: a, secret: {}}]", "", "spec.volumes[0].secret", "not supported yet"},
      {", volumes: [{name: a, projected: {sources: []}}]", "", "spec.volumes[0].projected", "not supported yet"},
      {", volumes: [{name: a, nfs: {server: x}}]", "", "spec.volumes[0].nfs", "not supported yet"},
      {", volumes: [{name: a, emptydir: {}}]", "", "spec.volumes[0].emptydir", "did you mean 'emptyDir'?"},
      {", volumes: [{name: a, emptyDir: {medium: memory}}]", "", "spec.volumes[0].emptyDir.medium",
       "one of \"\", Memory"},
      {", volumes: [{name: a, emptyDir: {sizeLimit: big}}]", "", "spec.volumes[0].emptyDir.sizeLimit",
       "must be a quantity"},
      {", volumes: [{name: a, hostPath: {}}]", "", "spec.volumes[0].hostPath", "path is required"},
      {", volumes: [{name: a, hostPath: {path: a}}]", "", "spec.volumes[0].hostPath.path", "absolute path"},
      {", volumes: [{name: a, hostPath: {path: /a/..}}]", "", "spec.volumes[0].hostPath.path", "absolute path"},
      {", volumes: [{name: a, hostPath: {path: /a, type: Dir}}]", "", "spec.volumes[0].hostPath.type",
       "one of \"\", DirectoryOrCreate"},
      {", volumes: [{name: a, persistentVolumeClaim: {}}]", "", "spec.volumes[0].persistentVolumeClaim",
       "claimName is required"},
      {", volumes: [{name: a, persistentVolumeClaim: {claimName: ../x}}]", "",
       "spec.volumes[0].persistentVolumeClaim.claimName", "DNS name"},
      {", restartPolicy: never", "", "spec.restartPolicy", "one of Always, OnFailure, Never"},
      {", terminationGracePeriodSeconds: -1", "", "spec.terminationGracePeriodSeconds", "from 0"},
      {", terminationGracePeriodSeconds: 2147483648", "", "spec.terminationGracePeriodSeconds", "from 0 to 2147483647"},
      {", hostNetwork: \"yes\"", "", "spec.hostNetwork", "true or false"},
      {", hostname: a.b", "", "spec.hostname", "DNS label"},
      {", hostname: " + std::string(64, 'a'), "", "spec.hostname", "DNS label"},
      {", hostAliases: [{hostnames: [a]}]", "", "spec.hostAliases[0]", "ip is required"},
      {", hostAliases: [{ip: 1.2.3, hostnames: [a]}]", "", "spec.hostAliases[0].ip",
       "IPv4 or IPv6 address, not '1.2.3'"},
      {", hostAliases: [{ip: 1.2.3.4, hostnames: [\"a b\"]}]", "", "spec.hostAliases[0].hostnames[0]", "DNS name"},
      {", dnsPolicy: none", "", "spec.dnsPolicy", "one of ClusterFirst"},
      {", dnsPolicy: None", "", "spec.dnsPolicy", "needs dnsConfig.nameservers"},
      {", dnsConfig: {nameservers: [a]}", "", "spec.dnsConfig.nameservers[0]", "IPv4 or IPv6"},
      {", dnsConfig: {nameservers: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4]}", "", "spec.dnsConfig.nameservers",
       "at most 3"},
      {", dnsConfig: {searches: [\"a\\nnameserver 6.6.6.6\"]}", "", "spec.dnsConfig.searches[0]", "domain name"},
      {", dnsConfig: {options: [{name: \"a b\"}]}", "", "spec.dnsConfig.options[0].name", "without spaces"},
      {", dnsConfig: {options: [{name: ndots, value: 2}]}", "", "spec.dnsConfig.options[0].value", "write \"2\""},
      {", dnsConfig: {search: []}", "", "spec.dnsConfig.search", "did you mean 'searches'?"},
      {", securityContext: {fsGroup: -1}", "", "spec.securityContext.fsGroup", "from 0 to 2147483647"},
      {", securityContext: {supplementalGroups: [1, x]}", "", "spec.securityContext.supplementalGroups[1]",
       "whole number"},
      {", securityContext: {supplementalGroupsPolicy: Strict}", "", "spec.securityContext.supplementalGroupsPolicy",
       "not supported yet"},
      {", securityContext: {sysctls: [{name: kernel.panic, value: \"1\"}]}", "", "spec.securityContext.sysctls[0].name",
       "own namespaces"},
      {", securityContext: {sysctls: [{name: net.a, value: 1}]}", "", "spec.securityContext.sysctls[0].value",
       "write \"1\""},
      {", securityContext: {sysctls: [{name: net.a, value: \"1\"}, {name: net/a, value: \"1\"}]}", "",
       "spec.securityContext.sysctls[1].name", "given twice"},
      {", hostNetwork: true, securityContext: {sysctls: [{name: net.a, value: \"1\"}]}", "",
       "spec.securityContext.sysctls[0].name", "the host's network"},
      {", hostNetwork: true", ", ports: [{containerPort: 80, hostPort: 81}]", "spec.containers[0].ports[0].hostPort",
       "the same as containerPort"},
      {", securityContext: {runAsUser: 0}", ", securityContext: {runAsNonRoot: true}",
       "spec.containers[0].securityContext", "contradicts"},
      {", securityContext: {runAsUser: 0, runAsNonRoot: true}", "", "spec.containers[0]", "contradicts"},
      {", os: {name: windows}", "", "spec.os.name", "one of linux"},
      {", initContainers: [{name: a, image: b}]", "", "spec.initContainers", "not supported yet"},
      {", ephemeralContainers: [{}]", "", "spec.ephemeralContainers", "not supported yet"},
      {", hostPID: true", "", "spec.hostPID", "not supported yet"},
      {", hostIPC: true", "", "spec.hostIPC", "not supported yet"},
      {", hostUsers: false", "", "spec.hostUsers", "not supported yet"},
      {", shareProcessNamespace: true", "", "spec.shareProcessNamespace", "not supported yet"},
      {", imagePullSecrets: [{name: x}]", "", "spec.imagePullSecrets", "not supported yet"},
      {", runtimeClassName: gvisor", "", "spec.runtimeClassName", "not supported yet"},
      {", activeDeadlineSeconds: 5", "", "spec.activeDeadlineSeconds", "not supported yet"},
      {", subdomain: x", "", "spec.subdomain", "not supported yet"},
      {", setHostnameAsFQDN: true", "", "spec.setHostnameAsFQDN", "not supported yet"},
      {", schedulingGates: [{name: x}]", "", "spec.schedulingGates", "not supported yet"},
      {", resources: {limits: {cpu: 1}}", "", "spec.resources", "not supported yet"},
      {", restartpolicy: Never", "", "spec.restartpolicy", "did you mean 'restartPolicy'?"},
      {", toleration: []", "", "spec.toleration", "did you mean 'tolerations'?"},
  });
}

TEST(Metadata, IsRefusedWithItsPath) {
  const auto meta = [](const std::string& fields) { return pod_with("", "", fields); };
  expect_error(meta(", namespace: A"), "metadata.namespace", "DNS label");
  expect_error(meta(", namespace: a.b"), "metadata.namespace", "DNS label");
  expect_error(meta(", labels: [a]"), "metadata.labels", "must be a map");
  expect_error(meta(", labels: {a: 1}"), "metadata.labels.a", "write \"1\"");
  expect_error(meta(", labels: {a: b c}"), "metadata.labels.a", "letters, digits");
  expect_error(meta(", labels: {-a: b}"), "metadata.labels.-a", "must be a key");
  expect_error(meta(", labels: {Example.com/a: b}"), "metadata.labels[Example.com/a]", "must be a key");
  expect_error(meta(", annotations: {a b: c}"), "metadata.annotations[a b]", "must be a key");
  expect_error(meta(", annotations: {a: true}"), "metadata.annotations.a", "write \"true\"");
  expect_error(meta(", annotations: {a: " + std::string(256 * 1024, 'x') + "}"), "metadata.annotations",
               "262144 bytes together");
  expect_error(meta(", lables: {}"), "metadata.lables", "did you mean 'labels'?");
  expect_error("apiVersion: v1\nkind: Pod\nmetadata: {name: A.b}\nspec: {containers: [{name: c, image: i}]}",
               "metadata.name", "DNS name");
  expect_error("apiVersion: v1\nkind: Pod\nmetadata: {name: 1}\nspec: {containers: [{name: c, image: i}]}",
               "metadata.name", "write \"1\"");
  expect_error("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\nspec: {containers: [{name: c, image: i}]}",
               "metadata", "name is required");
}

TEST(OurAnnotations, AreRefusedWithTheirPath) {
  const auto note = [](const std::string& annotation) {
    return pod_with("", "", ", annotations: {" + annotation + "}");
  };
  expect_error(note("tank/init: \"yes\""), "metadata.annotations[tank/init]", "must be \"true\" or \"false\"");
  expect_error(note("tank/init: true"), "metadata.annotations[tank/init]", "write \"true\"");
  for (const char* wrong : {"0", "-1", "x", "", "1.5", "4194305", " 1", "99999999999999999999"}) {
    expect_error(note(concat("tank/pids-limit: \"", wrong, "\"")), "metadata.annotations[tank/pids-limit]",
                 "from 1 to 4194304");
  }
  expect_error(note("tank/pids-limit.d: \"5\""), "metadata.annotations[tank/pids-limit.d]", "no container 'd'");
  expect_error(note("tank/pids-limits: \"5\""), "metadata.annotations[tank/pids-limits]",
               "did you mean 'tank/pids-limit'?");
  expect_error(note("tank/other: \"5\""), "metadata.annotations[tank/other]", "unknown annotation");
  expect_error(note("v1.multus-cni.io/default-network: x"), "metadata.annotations[v1.multus-cni.io/default-network]",
               "not supported yet");
}

TEST(OurAnnotations, TheOneForAContainerIsStronger) {
  const Pod pod = pod_of(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {tank/pids-limit: \"10\", tank/pids-limit.b: "
      "\"20\", tank/init: \"true\"}}\n"
      "spec: {containers: [{name: a, image: i}, {name: b, image: i}]}");
  EXPECT_EQ(pod.containers[0].resources.pids_limit, 10);
  EXPECT_EQ(pod.containers[1].resources.pids_limit, 20);
  EXPECT_TRUE(pod.init);
}

TEST(PodDocument, NeedsItsParts) {
  EXPECT_THAT(errors_of("apiVersion: v1\nkind: Pod"),
              ElementsAre("f:1:1: metadata is required", "f:1:1: spec is required"));
  expect_error("apiVersion: v2\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}",
               "apiVersion", "one of v1");
  expect_error("kind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}", "",
               "apiVersion is required");
  expect_error("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {}", "spec", "containers is required");
  expect_error("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}", "spec.containers",
               "at least one container");
  expect_error("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: ''}]}",
               "spec.containers[0].image", "not empty");
  expect_error(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}, {name: c, image: i}]}",
      "spec.containers[1].name", "'c' is given twice");
  expect_error("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [~]}", "spec.containers[0]",
               "must be a map of fields, not null");
  expect_error("apiVersion: v1\nkind: Pod\nmetadat: 1\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}",
               "metadat", "did you mean 'metadata'?");
}

TEST(Defaults, AreThoseOfKubernetes) {
  const Pod pod = pod_of(pod_with(""));
  Pod expected;
  expected.name = "p";
  Container container;
  container.name = "c";
  container.image = "i";
  container.pull_policy = PullPolicy::always;
  expected.containers = {container};
  EXPECT_EQ(pod, expected);
  EXPECT_EQ(pod.name_space, "default");
  EXPECT_EQ(pod.termination_grace, std::chrono::seconds(30));
}

TEST(Defaults, ThePullPolicyFollowsTheTag) {
  const struct {
    const char* image;
    PullPolicy policy;
  } cases[] = {
      {"nginx", PullPolicy::always},
      {"nginx:latest", PullPolicy::always},
      {"localhost:5000/a/b", PullPolicy::always},
      {"[::1]:5000/a", PullPolicy::always},
      {"nginx:1.27", PullPolicy::if_not_present},
      {"localhost:5000/a/b:1", PullPolicy::if_not_present},
      {"nginx@sha256:00", PullPolicy::if_not_present},
      {"nginx:latest@sha256:00", PullPolicy::if_not_present},
      {"oci:/srv/image:latest", PullPolicy::if_not_present},
      {"oci-archive:/srv/image.tar", PullPolicy::if_not_present},
      {"docker-archive:/srv/image.tar:latest", PullPolicy::if_not_present},
      {"rootfs:/srv/root", PullPolicy::if_not_present},
  };
  for (const auto& [image, policy] : cases) EXPECT_EQ(default_pull_policy(image), policy) << image;
  EXPECT_EQ(container_of(pod_with("", ", imagePullPolicy: Never")).pull_policy, PullPolicy::never);
}

TEST(Null, IsTheSameAsAbsent) {
  const Pod pod =
      pod_of(pod_with(", volumes: ~, hostname: , restartPolicy: null, hostPID: ~, securityContext: ~",
                      ", command: ~, env: , tty: null, resources: {limits: ~}, securityContext: {runAsUser: ~}"));
  EXPECT_EQ(pod, pod_of(pod_with("")));
  expect_error("apiVersion: v1\nkind: Pod\nmetadata: {name: ~}\nspec: {containers: [{name: c, image: i}]}", "metadata",
               "name is required");
}

TEST(Resources, LimitsOfZeroAreNoneAndRequestsFollowLimits) {
  const auto resources = [](const std::string& text) {
    return container_of(pod_with("", ", resources: " + text)).resources;
  };
  EXPECT_EQ(resources("{limits: {cpu: 0, memory: \"0\"}}"), Resources{});
  EXPECT_EQ(resources("{limits: {cpu: 0.5, memory: 1Gi}}"),
            (Resources{Millicores{500}, Millicores{500}, Bytes{1073741824}, Bytes{1073741824}, {}}));
  EXPECT_EQ(resources("{limits: {cpu: 2}, requests: {cpu: 100m, memory: 1e6}}"),
            (Resources{Millicores{2000}, Millicores{100}, {}, Bytes{1000000}, {}}));
  EXPECT_EQ(resources("{limits: {memory: 100.5}, requests: {memory: \"100.5\"}}").memory_limit, Bytes{101});
  EXPECT_EQ(resources("{limits: {ephemeral-storage: 0}, claims: []}"), Resources{});
}

TEST(Security, ThePodSpeaksWhereTheContainerIsSilent) {
  const Pod pod = pod_of(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
      "spec:\n"
      "  securityContext: {runAsUser: 1, runAsGroup: 2, runAsNonRoot: true, seccompProfile: {type: Unconfined}}\n"
      "  containers:\n"
      "  - {name: a, image: i}\n"
      "  - {name: b, image: i, securityContext: {runAsUser: 0, runAsNonRoot: false, seccompProfile: {type: Localhost, "
      "localhostProfile: /x/./y}}}\n");
  const SecurityContext& a = pod.containers[0].security;
  EXPECT_EQ(a.run_as_user, Id{1});
  EXPECT_EQ(a.run_as_group, Id{2});
  EXPECT_TRUE(a.run_as_non_root);
  EXPECT_EQ(a.seccomp.type, SeccompProfile::Type::unconfined);
  const SecurityContext& b = pod.containers[1].security;
  EXPECT_EQ(b.run_as_user, Id{0});
  EXPECT_EQ(b.run_as_group, Id{2});
  EXPECT_FALSE(b.run_as_non_root);
  EXPECT_EQ(b.seccomp, (SeccompProfile{SeccompProfile::Type::localhost, "/x/y"}));
}

TEST(Security, ContainerFields) {
  const SecurityContext security =
      container_of(pod_with("",
                            ", securityContext: {runAsUser: 2147483647, privileged: no, "
                            "allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, procMount: Default, "
                            "capabilities: {add: [CAP_NET_ADMIN, sys_time], drop: [all]}}"))
          .security;
  EXPECT_EQ(security.run_as_user, Id{2147483647});
  EXPECT_THAT(security.add_capabilities, ElementsAre("NET_ADMIN", "SYS_TIME"));
  EXPECT_THAT(security.drop_capabilities, ElementsAre("ALL"));
  EXPECT_EQ(security.readonly_root_filesystem, Readonly::yes);
  EXPECT_FALSE(security.allow_privilege_escalation);
  EXPECT_FALSE(security.privileged);
}

TEST(Volumes, EverySource) {
  const Pod pod =
      pod_of(pod_with(", volumes: [{name: a}, {name: b, emptyDir: ~}, {name: c, emptyDir: {medium: Memory, sizeLimit: "
                      "1Mi}}, {name: d, emptyDir: {medium: \"\", sizeLimit: 0}},"
                      " {name: e, hostPath: {path: /x//y/}}, {name: f, hostPath: {path: /, type: DirectoryOrCreate}}, "
                      "{name: g, hostPath: {path: /g, type: \"\"}},"
                      " {name: h, persistentVolumeClaim: {claimName: data.v1, readOnly: true}}]"));
  using HostType = HostPathVolume::Type;
  EXPECT_THAT(pod.volumes,
              ElementsAre(Volume{"a", EmptyDirVolume{}}, Volume{"b", EmptyDirVolume{}},
                          Volume{"c", EmptyDirVolume{EmptyDirVolume::Medium::memory, Bytes{1048576}}},
                          Volume{"d", EmptyDirVolume{}}, Volume{"e", HostPathVolume{"/x/y", HostType::unchecked}},
                          Volume{"f", HostPathVolume{"/", HostType::directory_or_create}},
                          Volume{"g", HostPathVolume{"/g", HostType::unchecked}},
                          Volume{"h", ClaimVolume{"data.v1", Readonly::yes}}));
  for (const char* type : {"Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"}) {
    const Pod one = pod_of(pod_with(concat(", volumes: [{name: a, hostPath: {path: /a, type: ", type, "}}]")));
    EXPECT_NE(std::get<HostPathVolume>(one.volumes.at(0).source).type, HostType::unchecked) << type;
  }
}

TEST(Warnings, AreForFieldsWithoutMeaningOnOneMachine) {
  for (const char* fields :
       {", nodeName: n", ", nodeSelector: {a: b}", ", affinity: {nodeAffinity: {}}", ", tolerations: [{key: a}]",
        ", topologySpreadConstraints: [{}]", ", schedulerName: mine", ", priority: 5", ", priorityClassName: high",
        ", preemptionPolicy: Never", ", serviceAccountName: robot", ", serviceAccount: robot",
        ", automountServiceAccountToken: true", ", enableServiceLinks: false", ", overhead: {cpu: 1}",
        ", readinessGates: [{}]", ", securityContext: {fsGroupChangePolicy: OnRootMismatch}"}) {
    EXPECT_THAT(warnings_of(pod_with(fields)), ElementsAre(HasSubstr("has no effect on a single machine"))) << fields;
    EXPECT_EQ(pod_of(pod_with(fields)), pod_of(pod_with(""))) << fields;
  }
  EXPECT_THAT(warnings_of(pod_with("", ", terminationMessagePath: /x")),
              ElementsAre(HasSubstr("terminationMessagePath: has no effect")));
  EXPECT_THAT(warnings_of(pod_with("", ", env: [{name: A, value: x}, {name: A, value: z}]")),
              ElementsAre(HasSubstr("the last value wins")));
}

TEST(Warnings, ThereAreNoneForValuesThatAskForNothing) {
  for (const char* fields :
       {", hostPID: false, hostIPC: false, shareProcessNamespace: false, hostUsers: true, setHostnameAsFQDN: false",
        ", initContainers: [], imagePullSecrets: [], tolerations: [], schedulerName: default-scheduler, priority: 0",
        ", enableServiceLinks: true, serviceAccountName: default, affinity: {}, nodeSelector: {}, os: {name: linux}",
        ", securityContext: {fsGroupChangePolicy: Always, seLinuxOptions: {}, supplementalGroupsPolicy: Merge}"}) {
    EXPECT_THAT(warnings_of(pod_with(fields)), IsEmpty()) << fields;
    EXPECT_EQ(pod_of(pod_with(fields)), pod_of(pod_with(""))) << fields;
  }
  EXPECT_THAT(
      warnings_of(pod_with(
          "",
          ", stdinOnce: false, lifecycle: {}, envFrom: [], terminationMessagePath: /dev/termination-log, "
          "terminationMessagePolicy: File, ports: [{containerPort: 80, name: http, protocol: UDP, hostPort: 0}]")),
      IsEmpty());
  EXPECT_THAT(warnings_of(pod_with(", hostNetwork: true", ", ports: [{containerPort: 80, hostPort: 80}]")), IsEmpty());
}

}  // namespace
}  // namespace tank::spec
