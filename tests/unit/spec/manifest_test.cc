// Whole files: kinds, several documents, the order of findings, everything that is supported at once, and the examples.
#include "tank/manifest.h"

#include <fstream>
#include <iterator>

#include "manifests.h"

namespace tank::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kPod =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i:1}]}\n";

TEST(Finding, ReadsLikeACompilersMessage) {
  EXPECT_EQ(to_string(Finding{"web.yaml", 12, 5, "spec.containers[0].image", "must not be empty"}),
            "web.yaml:12:5: spec.containers[0].image: must not be empty");
  EXPECT_EQ(to_string(Finding{"-", 1, 1, "", "there are no documents"}), "-:1:1: there are no documents");
}

TEST(Manifest, WithoutDocumentsIsAnError) {
  for (const char* text : {"", "\n", "# nothing\n", " \t\n"}) {
    EXPECT_THAT(errors_of(text), ElementsAre("f:1:1: there are no documents in this text")) << text;
  }
}

TEST(Manifest, WithoutPodsIsNone) {
  for (const char* text : {"---\n", "---\n---\n", "null", "apiVersion: v1\nkind: List\nitems: []"}) {
    EXPECT_THAT(errors_of(text), IsEmpty()) << text;
    EXPECT_THAT(parse_manifests(text, "f").pods, IsEmpty());
  }
}

TEST(Manifest, OtherKindsAreRefused) {
  expect_error("just text", "", "must be a map of fields");
  expect_error("- a", "", "must be a map of fields, not a list");
  expect_error("apiVersion: v1", "", "kind is required");
  expect_error("kind: 5", "kind", "must be a string");
  expect_error("apiVersion: apps/v1\nkind: Deployment\nspec: {}", "kind", "'Deployment' is not supported yet");
  expect_error("apiVersion: v1\nkind: List\nitems: {}", "items", "must be a list");
  expect_error("apiVersion: v2\nkind: List\nitems: []", "apiVersion", "one of v1");
  expect_error("apiVersion: v1\nkind: List\nitem: []", "item", "unknown field of a List");
  expect_error("apiVersion: v1\nkind: List\nitems: [{kind: Service}]", "items[0].kind", "not supported yet");
}

TEST(Manifest, TellsEveryErrorAtOnceInFileOrderAndGivesNoPods) {
  const Manifest manifest = parse_manifests(
      "apiVersion: v1\n"                            // 1
      "kind: Pod\n"                                 // 2
      "metadata:\n"                                 // 3
      "  name: Bad\n"                               // 4
      "spec:\n"                                     // 5
      "  hostPID: true\n"                           // 6
      "  containers:\n"                             // 7
      "    - name: web\n"                           // 8
      "      image: nginx\n"                        // 9
      "      ports:\n"                              // 10
      "        - containerPort: 80\n"               // 11
      "        - containerPort: 81\n"               // 12
      "          hostPort: 8081\n"                  // 13
      "      volumeMounts:\n"                       // 14
      "        - {name: gone, mountPath: /gone}\n"  // 15
      "    - image: nginx\n"                        // 16
      "      imagee: x\n"                           // 17
      "  nodeSelector: {a: b}\n"                    // 18
      "---\n"                                       // 19
      "kind: Nothing\n",                            // 20
      "web.yaml");
  EXPECT_THAT(lines_of(manifest.errors),
              ElementsAre(HasSubstr("web.yaml:4:9: metadata.name: must be a DNS name"),
                          "web.yaml:6:3: spec.hostPID: not supported yet",
                          "web.yaml:13:21: spec.containers[0].ports[1].hostPort: not supported yet",
                          "web.yaml:15:18: spec.containers[0].volumeMounts[0].name: the pod has no volume 'gone'",
                          "web.yaml:16:7: spec.containers[1]: name is required",
                          "web.yaml:17:7: spec.containers[1].imagee: unknown field; did you mean 'image'?",
                          HasSubstr("web.yaml:20:7: kind: kind 'Nothing' is not supported yet")));
  EXPECT_THAT(lines_of(manifest.warnings),
              ElementsAre("web.yaml:18:3: spec.nodeSelector: has no effect on a single machine"));
  EXPECT_THAT(manifest.pods, IsEmpty());
}

TEST(Manifest, WhatWasReadBeforeABrokenPlaceIsCheckedToo) {
  EXPECT_THAT(errors_of("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {}\n---\na: [\n"),
              ElementsAre("f:4:7: spec: containers is required", HasSubstr("end of sequence flow not found")));
}

TEST(Manifest, PodsAreUniqueByNamespaceAndName) {
  expect_error(kPod + "---\n" + kPod, "metadata.name", "the pod default/a is given twice, before on line 3");
  const Manifest manifest = parse_manifests(kPod +
                                                "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: "
                                                "other}\nspec: {containers: [{name: c, image: i}]}\n",
                                            "f");
  ASSERT_EQ(manifest.pods.size(), 2U);
  EXPECT_EQ(to_string_key(manifest.pods[0]), "default/a");
  EXPECT_EQ(to_string_key(manifest.pods[1]), "other/a");
}

TEST(Manifest, ListsHoldDocumentsAndLists) {
  const Manifest manifest = parse_manifests(
      R"({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        {"apiVersion": "v1", "kind": "List", "items": [
          {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}]}]})",
      "f");
  EXPECT_THAT(manifest.errors, IsEmpty());
  ASSERT_EQ(manifest.pods.size(), 2U);
  EXPECT_EQ(manifest.pods[1].name, "b");
}

TEST(Manifest, FindingsAreBounded) {
  std::string text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: c, image: i}]\n";
  for (int i = 0; i < 30'000; ++i) text += concat("  f", i, ": 1\n");
  const Manifest manifest = parse_manifests(text, "f");
  ASSERT_EQ(manifest.errors.size(), 1001U);
  EXPECT_EQ(manifest.errors[0].line, 6U);
  EXPECT_THAT(manifest.errors.back().rule, HasSubstr("only the first 1000"));
}

TEST(Manifest, JsonAndYamlMeanTheSame) {
  const Manifest yaml = parse_manifests(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: i\n    env: "
      "[{name: A, value: \"\\U0001F600\"}]\n    tty: true\n"
      "    resources: {limits: {cpu: 1.5}}\n",
      "f");
  const Manifest json = parse_manifests(
      "{\n\t\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"containers\": "
      "[\n\t\t{\"name\": \"c\", \"image\": \"i\", "
      "\"env\": [{\"name\": \"A\", \"value\": \"\\ud83d\\ude00\"}], \"tty\": true, \"resources\": {\"limits\": "
      "{\"cpu\": 1.5}}}]}}",
      "f");
  EXPECT_THAT(lines_of(yaml.errors), IsEmpty());
  EXPECT_THAT(lines_of(json.errors), IsEmpty());
  ASSERT_EQ(yaml.pods.size(), 1U);
  EXPECT_EQ(yaml.pods, json.pods);
}

TEST(Manifest, AnchorsAndMergeKeysWorkInPods) {
  const Manifest manifest = parse_manifests(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
      "  - &base {name: x, image: i:1, env: &env [{name: A, value: b}]}\n"
      "  - {<<: *base, name: z}\n"
      "  - {name: w, image: j:1, env: *env}\n",
      "f");
  EXPECT_THAT(lines_of(manifest.errors), IsEmpty());
  ASSERT_EQ(manifest.pods.size(), 1U);
  EXPECT_EQ(manifest.pods[0].containers[1].image, "i:1");
  EXPECT_EQ(manifest.pods[0].containers[1].name, "z");
  EXPECT_EQ(manifest.pods[0].containers[2].env, (std::vector<EnvVar>{{"A", "b"}}));
}

// What `kubectl get pod -o yaml` prints for a running pod.
TEST(Manifest, ExportedPodsWork) {
  const Manifest manifest = parse_manifests(R"(
apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"v1"}
  creationTimestamp: "2026-01-02T03:04:05Z"
  generateName: web-
  generation: 1
  labels: {app: web}
  managedFields: [{manager: kubectl, fieldsV1: {"f:spec": {}}}]
  name: web-1
  namespace: default
  resourceVersion: "123"
  uid: 1b4e28ba-2fa1-11d2-883f-0016d3cca427
spec:
  containers:
  - image: nginx:1.27
    imagePullPolicy: IfNotPresent
    name: nginx
    resources: {}
    terminationMessagePath: /dev/termination-log
    terminationMessagePolicy: File
    volumeMounts:
    - {mountPath: /var/run/secrets/kubernetes.io/serviceaccount, name: kube-api-access-x7x2p, readOnly: true}
    - {mountPath: /data, name: data}
  dnsPolicy: ClusterFirst
  enableServiceLinks: true
  nodeName: node-1
  preemptionPolicy: PreemptLowerPriority
  priority: 0
  restartPolicy: Always
  schedulerName: default-scheduler
  securityContext: {}
  serviceAccount: default
  serviceAccountName: default
  terminationGracePeriodSeconds: 30
  tolerations:
  - {effect: NoExecute, key: node.kubernetes.io/not-ready, operator: Exists, tolerationSeconds: 300}
  volumes:
  - {name: data, emptyDir: {}}
  - name: kube-api-access-x7x2p
    projected: {defaultMode: 420, sources: [{serviceAccountToken: {path: token}}]}
status:
  phase: Running
)",
                                            "f");
  EXPECT_THAT(lines_of(manifest.errors), IsEmpty());
  EXPECT_THAT(lines_of(manifest.warnings), ElementsAre(HasSubstr("spec.nodeName"), HasSubstr("spec.tolerations"),
                                                       HasSubstr("the service account token is left out")));
  ASSERT_EQ(manifest.pods.size(), 1U);
  EXPECT_THAT(manifest.pods[0].volumes, ElementsAre(Volume{"data", EmptyDirVolume{}}));
  EXPECT_THAT(manifest.pods[0].containers[0].mounts, ElementsAre(VolumeMount{"data", "/data", Readonly::no, ""}));
}

constexpr std::string_view kEverything = R"(
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: lan, namespace: infra}
spec:
  config: '{"type": "macvlan", "master": "eth0", "ipam": {"type": "static", "addresses": [{"address": "10.0.0.5/24", "gateway": "10.0.0.1"}]}}'
---
apiVersion: v1
kind: Pod
metadata:
  name: every.thing
  namespace: shop
  labels: {app: all, example.com/tier: ""}
  annotations:
    example.com/note: hello
    tank/pids-limit: "64"
    tank/pids-limit.side: "32"
    tank/init: "true"
    k8s.v1.cni.cncf.io/networks: infra/lan@eth0
spec:
  restartPolicy: OnFailure
  terminationGracePeriodSeconds: 5
  hostname: all
  hostAliases:
  - {ip: 10.0.0.9, hostnames: [db, db.example]}
  - {ip: "fd00::9", hostnames: [db6]}
  dnsPolicy: None
  dnsConfig:
    nameservers: [10.0.0.53, "fd00::53"]
    searches: [shop.example]
    options: [{name: ndots, value: "2"}, {name: edns0}]
  securityContext:
    runAsUser: 1000
    runAsGroup: 1001
    runAsNonRoot: true
    supplementalGroups: [2000, 2001]
    fsGroup: 3000
    seccompProfile: {type: RuntimeDefault}
    sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: "0"}]
  volumes:
  - {name: scratch, emptyDir: {medium: Memory, sizeLimit: 16Mi}}
  - {name: host, hostPath: {path: /srv, type: Directory}}
  - {name: data, persistentVolumeClaim: {claimName: data}}
  containers:
  - name: main
    image: localhost:5000/app:1
    imagePullPolicy: Never
    command: [/bin/app]
    args: [--port, "80", $(A)]
    env: [{name: A, value: b}, {name: EMPTY}]
    workingDir: /srv
    tty: true
    stdin: true
    ports: [{name: http, containerPort: 80, protocol: TCP}]
    volumeMounts:
    - {name: scratch, mountPath: /tmp}
    - {name: host, mountPath: /host, readOnly: true}
    - {name: data, mountPath: /data, subPath: a/b}
    resources: {limits: {cpu: 1500m, memory: 1Gi}, requests: {cpu: 100m, memory: 64Mi}}
    securityContext:
      runAsUser: 7
      capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      privileged: false
      seccompProfile: {type: Localhost, localhostProfile: /etc/seccomp.json}
  - name: side
    image: side
    securityContext: {privileged: true}
)";

Container expected_main() {
  Container main;
  main.name = "main";
  main.image = "localhost:5000/app:1";
  main.pull_policy = PullPolicy::never;
  main.command = {"/bin/app"};
  main.args = {"--port", "80", "$(A)"};
  main.env = {{"A", "b"}, {"EMPTY", ""}};
  main.working_dir = "/srv";
  main.tty = true;
  main.stdin_open = true;
  main.mounts = {{"scratch", "/tmp", Readonly::no, ""},
                 {"host", "/host", Readonly::yes, ""},
                 {"data", "/data", Readonly::no, "a/b"}};
  main.resources = {Millicores{1500}, Millicores{100}, Bytes{1073741824}, Bytes{67108864}, 64};
  main.security.run_as_user = Id{7};
  main.security.run_as_group = Id{1001};
  main.security.run_as_non_root = true;
  main.security.add_capabilities = {"NET_BIND_SERVICE"};
  main.security.drop_capabilities = {"ALL"};
  main.security.readonly_root_filesystem = Readonly::yes;
  main.security.allow_privilege_escalation = false;
  main.security.seccomp = {SeccompProfile::Type::localhost, "/etc/seccomp.json"};
  return main;
}

Container expected_side() {
  Container side;
  side.name = "side";
  side.image = "side";
  side.pull_policy = PullPolicy::always;
  side.resources.pids_limit = 32;
  side.security.run_as_user = Id{1000};
  side.security.run_as_group = Id{1001};
  side.security.run_as_non_root = true;
  side.security.privileged = true;
  return side;
}

Nic expected_nic() {
  Nic nic;
  nic.network = "infra/lan";
  nic.interface = "eth0";
  nic.parent = "eth0";
  nic.addresses = {*parse_ip_prefix("10.0.0.5/24")};
  nic.gateways = {*parse_ip_address("10.0.0.1")};
  return nic;
}

TEST(Manifest, EverythingThatIsSupported) {
  Pod expected;
  expected.name = "every.thing";
  expected.name_space = "shop";
  expected.labels = {{"app", "all"}, {"example.com/tier", ""}};
  expected.annotations = {{"example.com/note", "hello"},
                          {"tank/pids-limit", "64"},
                          {"tank/pids-limit.side", "32"},
                          {"tank/init", "true"},
                          {"k8s.v1.cni.cncf.io/networks", "infra/lan@eth0"}};
  expected.containers = {expected_main(), expected_side()};
  expected.volumes = {{"scratch", EmptyDirVolume{EmptyDirVolume::Medium::memory, Bytes{16777216}}},
                      {"host", HostPathVolume{"/srv", HostPathVolume::Type::directory}},
                      {"data", ClaimVolume{"data", Readonly::no}}};
  expected.restart_policy = RestartPolicy::on_failure;
  expected.termination_grace = std::chrono::seconds(5);
  expected.init = true;
  expected.nics = {expected_nic()};
  expected.hostname = "all";
  expected.host_aliases = {{*parse_ip_address("10.0.0.9"), {"db", "db.example"}},
                           {*parse_ip_address("fd00::9"), {"db6"}}};
  expected.dns_policy = DnsPolicy::none;
  expected.dns = {
      {*parse_ip_address("10.0.0.53"), *parse_ip_address("fd00::53")}, {"shop.example"}, {"ndots:2", "edns0"}};
  expected.supplemental_groups = {Id{2000}, Id{2001}};
  expected.fs_group = Id{3000};
  expected.sysctls = {{"net.ipv4.ip_unprivileged_port_start", "0"}};
  EXPECT_THAT(warnings_of(kEverything), IsEmpty());
  EXPECT_EQ(pod_of(kEverything), expected);
}

std::string read_example(const std::string& name) {
  std::ifstream stream(std::string(TANK_EXAMPLES_DIR) + "/" + name);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(Examples, AreSoundAndWithoutWarnings) {
  for (const char* name : {"hello.yaml", "web.yaml", "macvlan.yaml"}) {
    const Manifest manifest = parse_manifests(read_example(name), name);
    EXPECT_THAT(lines_of(manifest.errors), IsEmpty());
    EXPECT_THAT(lines_of(manifest.warnings), IsEmpty());
    EXPECT_EQ(manifest.pods.size(), 1U) << name;
  }
}

TEST(Examples, TheMacvlanOneHasBothFamilies) {
  const Pod pod = pod_of(read_example("macvlan.yaml"));
  ASSERT_EQ(pod.nics.size(), 1U);
  EXPECT_EQ(pod.nics[0].addresses.size(), 2U);
  EXPECT_EQ(pod.nics[0].gateways.size(), 2U);
  EXPECT_EQ(pod.nics[0].dns.searches, std::vector<std::string>{"lan.example"});
}

}  // namespace
}  // namespace tank::spec
