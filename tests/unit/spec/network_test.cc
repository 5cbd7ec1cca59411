// Extra interfaces: definitions, both forms of the annotation, and what comes of them together.
#include "spec/network.h"

#include "manifests.h"

namespace tank::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string indented(std::string_view text, std::string_view indent) {
  std::string out;
  for (const char c : text) out += c == '\n' ? concat("\n", indent) : std::string(1, c);
  return concat(indent, out, "\n");
}

std::string definition(std::string_view name, std::string_view config) {
  return concat("---\napiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: ", name,
                "}\nspec:\n  config: |\n", indented(config, "    "));
}

std::string macvlan(std::string_view fields) { return concat(R"({"type": "macvlan")", fields, "}"); }
std::string ipam(std::string_view fields) { return macvlan(concat(R"(, "ipam": {"type": "static")", fields, "}")); }

std::string pod_on(std::string_view networks, std::string_view pod_fields = "") {
  return concat(
      "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n    k8s.v1.cni.cncf.io/networks: |\n",
      indented(networks, "      "), "spec: {containers: [{name: c, image: i}]", pod_fields, "}\n");
}

const std::string kLan =
    definition("lan", ipam(R"(, "addresses": [{"address": "10.0.0.5/24", "gateway": "10.0.0.1"}])"));

std::vector<Nic> nics_of(const std::string& text) { return pod_of(text).nics; }

std::vector<std::string> texts(const std::vector<IpPrefix>& prefixes) {
  std::vector<std::string> out;
  for (const IpPrefix& prefix : prefixes) out.push_back(to_string(prefix));
  return out;
}
std::vector<std::string> texts(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> out;
  for (const IpAddress& address : addresses) out.push_back(to_string(address));
  return out;
}
std::vector<std::string> texts(const std::vector<Route>& routes) {
  std::vector<std::string> out;
  for (const Route& route : routes) {
    out.push_back(to_string(route.destination) + (route.gateway ? " via " + to_string(*route.gateway) : ""));
  }
  return out;
}

TEST(Definition, IsRefusedWithThePathInsideItsJson) {
  const struct {
    std::string config;
    const char* path;
    const char* words;
  } cases[] = {
      {"not json", "spec.config", "is not usable JSON, line 1 column 1"},
      {"{\"type\": \"macvlan\",\n}", "spec.config", "is not usable JSON, line 2 column 1"},
      {"[]", "spec.config", "must be a map of fields"},
      {"{}", "spec.config", "type is required"},
      {R"({"type": 1})", "spec.config.type", "must be a string"},
      {R"({"type": "bridge", "bridge": "br0"})", "spec.config.type", "CNI type 'bridge' is not supported yet"},
      {R"({"type": "macvlan", "type": "macvlan"})", "spec.config", "given twice"},
      {macvlan(R"(, "mode": "Bridge")"), "spec.config.mode", "one of bridge, private, vepa, passthru"},
      {macvlan(R"(, "master": "a/b")"), "spec.config.master", "interface name"},
      {macvlan(R"(, "mtu": 67)"), "spec.config.mtu", "at least 68"},
      {macvlan(R"(, "mtu": 65536)"), "spec.config.mtu", "from 0 to 65535"},
      {macvlan(R"(, "mtu": "1500")"), "spec.config.mtu", "without quotes"},
      {macvlan(R"(, "mac": "01:00:5e:00:00:01")"), "spec.config.mac", "unicast MAC"},
      {macvlan(R"(, "mastr": "eth0")"), "spec.config.mastr", "did you mean 'master'?"},
      {macvlan(R"(, "linkInContainer": true)"), "spec.config.linkInContainer", "not supported yet"},
      {macvlan(R"(, "capabilities": {"bandwidth": true})"), "spec.config.capabilities.bandwidth", "not supported yet"},
      {macvlan(R"(, "ipam": {"type": "dhcp"})"), "spec.config.ipam.type", "ipam type 'dhcp' is not supported yet"},
      {macvlan(R"(, "ipam": {"type": "host-local", "subnet": "10.0.0.0/8"})"), "spec.config.ipam.type",
       "not supported yet"},
      {macvlan(R"(, "ipam": {"addresses": []})"), "spec.config.ipam", "type is required"},
      {ipam(R"(, "addresses": [{"address": "10.0.0.5"}])"), "spec.config.ipam.addresses[0].address",
       "with its prefix length"},
      {ipam(R"(, "addresses": [{"gateway": "10.0.0.5"}])"), "spec.config.ipam.addresses[0]", "address is required"},
      {ipam(R"(, "addresses": [{"address": "10.0.0.5/24", "gateway": "fd00::1"}])"), "spec.config.ipam.addresses[0]",
       "same family"},
      {ipam(R"(, "routes": [{"gw": "10.0.0.1"}])"), "spec.config.ipam.routes[0]", "dst is required"},
      {ipam(R"(, "routes": [{"dst": "10.0.0.0/8", "gw": "x"}])"), "spec.config.ipam.routes[0].gw", "IPv4 or IPv6"},
      {ipam(R"(, "routes": [{"dst": "10.0.0.0/8", "gw": "fd00::1"}])"), "spec.config.ipam.routes[0]", "same family"},
      {ipam(R"(, "routes": [{"dst": "10.0.0.0/8", "table": 5}])"), "spec.config.ipam.routes[0].table",
       "not supported yet"},
      {ipam(R"(, "dns": {"nameservers": ["x"]})"), "spec.config.ipam.dns.nameservers[0]", "IPv4 or IPv6"},
      {ipam(R"(, "dns": {"searches": ["x"]})"), "spec.config.ipam.dns.searches", "did you mean 'search'?"},
      {R"({"plugins": []})", "spec.config.plugins", "must name one plugin"},
      {R"({"plugins": [{"type": "macvlan"}, {"type": "tuning"}]})", "spec.config.plugins[1]",
       "chained plugins are not supported yet"},
      {R"({"plugins": [{"type": "ipvlan"}]})", "spec.config.plugins[0].type", "CNI type 'ipvlan' is not supported yet"},
      {R"({"plugins": [{"type": "macvlan"}], "master": "x"})", "spec.config.master", "unknown field"},
  };
  for (const auto& [config, path, words] : cases) {
    expect_error(definition("lan", config), path, words);
    // A pod that uses a broken definition is not to blame for it.
    expect_error(definition("lan", config) + pod_on("lan"), path, words);
  }
}

TEST(Definition, StandsWhereTheScalarStands) {
  const Manifest manifest = parse_manifests(definition("lan", ipam(R"(, "addresses": [{"address": "x"}])")), "f");
  ASSERT_EQ(manifest.errors.size(), 1U);
  EXPECT_EQ(manifest.errors[0].line, 6U);
  EXPECT_EQ(manifest.errors[0].column, 11U);
}

TEST(Definition, NeedsItsParts) {
  expect_error(
      "apiVersion: v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: a}\nspec: {config: '{\"type\": "
      "\"macvlan\"}'}",
      "apiVersion", "one of k8s.cni.cncf.io/v1");
  expect_error("apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: a}\nspec: {}",
               "spec", "config is required");
  expect_error("apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: a}", "",
               "spec is required");
  expect_error(kLan + kLan, "metadata.name", "default/lan is defined twice, before on line 4");
  expect_error(
      "apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: a, annotations: "
      "{k8s.v1.cni.cncf.io/resourceName: x}}\n"
      "spec: {config: '{\"type\": \"macvlan\"}'}",
      "metadata.annotations[k8s.v1.cni.cncf.io/resourceName]", "not supported yet");
}

TEST(Annotation, IsRefusedWithThePathInsideIt) {
  const std::string path = "metadata.annotations[k8s.v1.cni.cncf.io/networks]";
  const struct {
    const char* text;
    const char* inside;
    const char* words;
  } cases[] = {
      {"wan", "", "no NetworkAttachmentDefinition 'default/wan' in this file; did you mean 'default/lan'?"},
      {"other/lan", "", "no NetworkAttachmentDefinition 'other/lan'"},
      {"lan,", "", "the network name ''"},
      {"lan@", "", "must not be empty"},
      {"lan@a/b", "", "interface name"},
      {"lan@lo", "", "the interface lo is there already"},
      {"lan@abcdefghijklmnop", "", "interface name"},
      {"lan@a, lan@a", "", "has an interface 'a' already"},
      {"[{}]", "[0]", "name is required"},
      {"[{\"name\": \"lan\", \"ip\": []}]", "[0].ip", "did you mean 'ips'?"},
      {"[{\"name\": \"lan\", \"ips\": [\"10.0.0.9\"]}]", "[0].ips[0]", "with its prefix length"},
      {"[{\"name\": \"lan\", \"mac\": \"x\"}]", "[0].mac", "unicast MAC"},
      {"[{\"name\": \"lan\", \"interface\": \"a b\"}]", "[0]", ""},
      {"[{\"name\": \"lan\", \"default-route\": [\"x\"]}]", "[0].default-route[0]", "IPv4 or IPv6"},
      {"[{\"name\": \"lan\", \"default-route\": [\"10.9.9.9\"]}]", "[0]", "10.9.9.9 is in no subnet"},
      {"[{\"name\": \"lan\", \"default-route\": [\"10.0.0.1\", \"10.0.0.2\"]}]", "[0].default-route[1]",
       "one default route per"},
      {"[{\"name\": \"lan\", \"bandwidth\": {}}]", "[0].bandwidth", "not supported yet"},
      {"[{\"name\": \"lan\", \"ips\": [\"10.0.0.9/24\", \"10.0.0.9/25\"]}]", "[0]", "10.0.0.9 is given twice"},
      {"[{\"name\": \"lan\", \"ips\": [\"224.0.0.1/24\"]}]", "[0]", "not an address for one interface"},
      {"[{\"name\": \"lan\", \"ips\": [\"0.0.0.0/0\"]}]", "[0]", "not an address for one interface"},
      {"[1]", "[0]", "must be a map of fields"},
      {"{\"name\": \"lan\"}", "", "must be a list, not a map"},
      {"[{\"name\": \"lan\"}", "", "is not usable JSON"},
  };
  for (const auto& [text, inside, words] : cases) {
    const bool is_interface = std::string_view(text).find("a b") != std::string_view::npos;
    expect_error(kLan + pod_on(text), path + inside + (is_interface ? ".interface" : ""), words);
  }
}

TEST(Annotation, NeedsANetworkOfThePodsOwn) {
  expect_error(kLan + pod_on("lan", ", hostNetwork: true"), "metadata.annotations[k8s.v1.cni.cncf.io/networks]",
               "hostNetwork true");
  expect_error(definition("lan", ipam("")) + pod_on("lan"), "metadata.annotations[k8s.v1.cni.cncf.io/networks]",
               "gives no address");
  expect_error(definition("lan", macvlan("")) + pod_on("lan"), "metadata.annotations[k8s.v1.cni.cncf.io/networks]",
               "gives no address");
  expect_error(
      definition("lan",
                 macvlan(R"(, "mtu": 1000, "ipam": {"type": "static", "addresses": [{"address": "fd00::5/64"}]})")) +
          pod_on("lan"),
      "metadata.annotations[k8s.v1.cni.cncf.io/networks]", "IPv6 needs an mtu of at least 1280");
}

TEST(Annotation, AnEmptyOneAsksForNothing) {
  EXPECT_THAT(nics_of(pod_on("  ")), IsEmpty());
  EXPECT_THAT(nics_of(pod_on("[]")), IsEmpty());
  EXPECT_THAT(nics_of(pod_on("[]", ", hostNetwork: true")), IsEmpty());
}

TEST(Resolving, TheWholeDefinition) {
  const std::string config =
      R"({"cniVersion": "1.0.0", "name": "lan", "type": "macvlan", "master": "eth7", "mode": "private", "mtu": 1400,
    "mac": "02:00:00:00:00:01", "capabilities": {"ips": true, "mac": true},
    "ipam": {"type": "static", "addresses": [{"address": "10.0.0.5/24", "gateway": "10.0.0.1"}, {"address": "fd00::5/64"}],
             "routes": [{"dst": "0.0.0.0/0"}, {"dst": "10.9.8.7/16", "gw": "10.0.0.2"}, {"dst": "192.168.0.0/16"}, {"dst": "::/0", "gw": "fe80::1"}],
             "dns": {"nameservers": ["10.0.0.53"], "domain": "a.example", "search": ["b.example"], "options": ["ndots:2"]}}})";
  for (const std::string& text :
       {config, concat(R"({"cniVersion": "1.0.0", "name": "l", "plugins": [)", config, "]}")}) {
    // The definition may stand after the pod.
    const std::vector<Nic> nics = nics_of(pod_on("lan@eth0") + definition("lan", text));
    ASSERT_EQ(nics.size(), 1U);
    const Nic& nic = nics[0];
    EXPECT_EQ(nic.network, "default/lan");
    EXPECT_EQ(nic.interface, "eth0");
    EXPECT_EQ(nic.parent, "eth7");
    EXPECT_EQ(nic.mode, Nic::Mode::private_);
    EXPECT_EQ(nic.mtu, 1400U);
    EXPECT_EQ(to_string(*nic.mac), "02:00:00:00:00:01");
    EXPECT_THAT(texts(nic.addresses), ElementsAre("10.0.0.5/24", "fd00::5/64"));
    EXPECT_THAT(texts(nic.gateways), ElementsAre("10.0.0.1", "fe80::1"));
    EXPECT_THAT(texts(nic.routes), ElementsAre("10.9.0.0/16 via 10.0.0.2", "192.168.0.0/16 via 10.0.0.1"));
    EXPECT_THAT(texts(nic.dns.nameservers), ElementsAre("10.0.0.53"));
    EXPECT_THAT(nic.dns.searches, ElementsAre("a.example", "b.example"));
    EXPECT_THAT(nic.dns.options, ElementsAre("ndots:2"));
  }
}

TEST(Resolving, DefaultsAreThoseOfCni) {
  const std::vector<Nic> nics =
      nics_of(definition("lan", ipam(R"(, "addresses": [{"address": "10.0.0.5/24"}])")) + pod_on("lan"));
  ASSERT_EQ(nics.size(), 1U);
  Nic expected;
  expected.network = "default/lan";
  expected.interface = "net1";
  expected.addresses = {*parse_ip_prefix("10.0.0.5/24")};
  EXPECT_EQ(nics[0], expected);
  EXPECT_EQ(nics[0].parent, "auto");
  EXPECT_EQ(nics[0].mode, Nic::Mode::bridge);
  const std::vector<Nic> zero = nics_of(
      definition(
          "lan",
          macvlan(
              R"(, "master": "", "mtu": 0, "ipam": {"type": "static", "addresses": [{"address": "10.0.0.5/24"}]})")) +
      pod_on("lan"));
  EXPECT_EQ(zero, nics);
}

TEST(Resolving, InterfacesAreNumberedByTheirPlace) {
  const std::string other = definition("other", ipam(R"(, "addresses": [{"address": "10.1.0.5/24"}])"));
  const std::vector<Nic> nics = nics_of(kLan + other + pod_on("default/lan@eth0 , other"));
  ASSERT_EQ(nics.size(), 2U);
  EXPECT_EQ(nics[0].interface, "eth0");
  EXPECT_EQ(nics[1].interface, "net2");
  expect_error(kLan + other + pod_on("lan@net2, other"), "metadata.annotations[k8s.v1.cni.cncf.io/networks]",
               "interface 'net2' already");
}

TEST(Resolving, TheAnnotationReplacesAddressesAndMac) {
  const std::vector<Nic> nics = nics_of(kLan + pod_on(R"([{"name": "lan", "namespace": "default", "interface": "eth1",
    "ips": ["10.0.0.77/24", "fd00::77/64"], "mac": "02:00:00:00:00:02"}])"));
  ASSERT_EQ(nics.size(), 1U);
  EXPECT_EQ(nics[0].interface, "eth1");
  EXPECT_THAT(texts(nics[0].addresses), ElementsAre("10.0.0.77/24", "fd00::77/64"));
  EXPECT_THAT(texts(nics[0].gateways), ElementsAre("10.0.0.1"));
  EXPECT_EQ(to_string(*nics[0].mac), "02:00:00:00:00:02");
  // A gateway that the new address cannot reach goes with the old one.
  const std::vector<Nic> moved = nics_of(kLan + pod_on(R"([{"name": "lan", "ips": ["10.7.0.77/24"]}])"));
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_THAT(moved[0].gateways, IsEmpty());
}

TEST(Resolving, AGatewayIsTheDefaultRouteUnlessItsFamilyHasRoutes) {
  const auto gateways = [](std::string_view routes) {
    return texts(
        nics_of(
            definition("lan",
                       ipam(concat(R"(, "addresses": [{"address": "10.0.0.5/24", "gateway": "10.0.0.1"}], "routes": )",
                                   routes))) +
            pod_on("lan"))
            .at(0)
            .gateways);
  };
  EXPECT_THAT(gateways("[]"), ElementsAre("10.0.0.1"));
  EXPECT_THAT(gateways(R"([{"dst": "10.0.0.0/8"}])"), IsEmpty());
  EXPECT_THAT(gateways(R"([{"dst": "10.0.0.0/8"}, {"dst": "0.0.0.0/0"}])"), ElementsAre("10.0.0.1"));
}

TEST(Resolving, ADefaultRouteWithoutGatewayIsTheLink) {
  const std::vector<Nic> nics = nics_of(
      definition("lan", ipam(R"(, "addresses": [{"address": "10.0.0.5/24"}], "routes": [{"dst": "0.0.0.0/0"}])")) +
      pod_on("lan"));
  ASSERT_EQ(nics.size(), 1U);
  EXPECT_THAT(nics[0].gateways, IsEmpty());
  EXPECT_THAT(texts(nics[0].routes), ElementsAre("0.0.0.0/0"));
}

TEST(Resolving, OneNicHasTheDefaultRouteOfAFamily) {
  const std::string b = definition("b", ipam(R"(, "addresses": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"}])"));
  const std::string c = definition(
      "c", ipam(R"(, "addresses": [{"address": "10.2.0.5/24"}], "routes": [{"dst": "0.0.0.0/0", "gw": "10.2.0.1"}])"));
  const auto gateways = [&](std::string_view networks) {
    std::vector<std::string> out;
    for (const Nic& nic : nics_of(kLan + b + c + pod_on(networks))) {
      out.push_back(concat(nic.network, "=", nic.gateways.empty() ? "" : to_string(nic.gateways[0])));
    }
    return out;
  };
  EXPECT_THAT(gateways("lan, b"), ElementsAre("default/lan=10.0.0.1", "default/b="));
  EXPECT_THAT(gateways("b, lan"), ElementsAre("default/b=10.1.0.1", "default/lan="));
  EXPECT_THAT(gateways("lan, b, c"), ElementsAre("default/lan=", "default/b=", "default/c=10.2.0.1"));
  EXPECT_THAT(gateways(R"([{"name": "c"}, {"name": "b", "default-route": ["10.1.0.9"]}])"),
              ElementsAre("default/c=", "default/b=10.1.0.9"));
  EXPECT_THAT(
      gateways(
          R"([{"name": "c"}, {"name": "c", "ips": ["10.2.0.6/24"]}, {"name": "b", "default-route": ["10.1.0.9"]}])"),
      ElementsAre("default/c=", "default/c=", "default/b=10.1.0.9"));
  expect_error(kLan + b + c + pod_on("c, c"), "metadata.annotations[k8s.v1.cni.cncf.io/networks]",
               "has a default route of this address family already, through net1");
}

TEST(Resolving, AGatewayMustBeInASubnetOfTheInterface) {
  expect_error(
      definition(
          "lan",
          ipam(
              R"(, "addresses": [{"address": "10.0.0.5/24"}], "routes": [{"dst": "10.9.0.0/16", "gw": "10.0.1.1"}])")) +
          pod_on("lan"),
      "metadata.annotations[k8s.v1.cni.cncf.io/networks]", "the gateway 10.0.1.1 is in no subnet");
  expect_error(
      definition(
          "lan",
          ipam(R"(, "addresses": [{"address": "10.0.0.5/24"}], "routes": [{"dst": "0.0.0.0/0", "gw": "10.0.1.1"}])")) +
          pod_on("lan"),
      "metadata.annotations[k8s.v1.cni.cncf.io/networks]", "the gateway 10.0.1.1 is in no subnet");
}

TEST(Resolving, NamesWithoutANamespaceAreOfThePods) {
  const std::string text =
      "apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: lan, namespace: "
      "shop}\nspec:\n"
      "  config: '{\"type\": \"macvlan\", \"ipam\": {\"type\": \"static\", \"addresses\": [{\"address\": "
      "\"10.0.0.5/24\"}]}}'\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, annotations: {k8s.v1.cni.cncf.io/networks: "
      "lan}}\n"
      "spec: {containers: [{name: c, image: i}]}\n";
  EXPECT_EQ(nics_of(text).at(0).network, "shop/lan");
}

TEST(Resolving, UnfinishedFilesAreNotSearchedForDefinitions) {
  EXPECT_THAT(errors_of(pod_on("lan") + "---\na: [1\n"), ElementsAre(HasSubstr("end of sequence flow not found")));
}

}  // namespace
}  // namespace tank::spec
