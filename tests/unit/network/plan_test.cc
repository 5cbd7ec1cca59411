#include "network/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tank::network {
namespace {

using testing::HasSubstr;

Nic nic(const std::string& interface) {
  Nic made;
  made.network = "default/lan";
  made.interface = interface;
  made.parent = "eth0";
  return made;
}

IpAddress address(std::string_view text) { return *parse_ip_address(text); }
IpPrefix prefix(std::string_view text) { return *parse_ip_prefix(text); }

Result<Plan> plan_of(std::vector<Nic> nics, const HostFacts& host = {}) {
  Pod pod;
  pod.name = "web";
  pod.nics = std::move(nics);
  return plan(pod, "web-1", host);
}

void expect_invalid(std::vector<Nic> nics, const std::string& why) {
  const Result<Plan> refused = plan_of(std::move(nics));
  ASSERT_FALSE(refused) << why;
  EXPECT_EQ(refused.error().kind(), Kind::invalid);
  EXPECT_THAT(refused.error().sentence(), HasSubstr(why));
}

TEST(Plan, APodWithoutNicsHasANamespaceAndNoLinks) {
  const Result<Plan> empty = plan_of({});
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->name_space, Plan::Namespace::own);
  EXPECT_TRUE(empty->links.empty());
}

TEST(Plan, AHostNetworkPodHasNeither) {
  Pod pod;
  pod.host_network = true;
  EXPECT_EQ(plan(pod, "a", {})->name_space, Plan::Namespace::host);
  pod.nics = {nic("net1")};
  EXPECT_EQ(plan(pod, "a", {}).error().kind(), Kind::invalid);
}

TEST(Plan, AutoIsTheLinkOfTheDefaultRoute) {
  Nic automatic = nic("net1");
  automatic.parent = "auto";
  HostFacts host;
  host.default_interface = "wlan0";
  EXPECT_EQ(plan_of({automatic}, host)->links.at(0).parent, "wlan0");
  EXPECT_EQ(plan_of({nic("net1")}, host)->links.at(0).parent, "eth0");
}

TEST(Plan, AutoWithoutADefaultRouteSaysSo) {
  Nic automatic = nic("net1");
  automatic.parent = "auto";
  const Result<Plan> refused = plan_of({automatic});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), Kind::not_found);
  EXPECT_EQ(
      refused.error().sentence(),
      "planning interface 'net1' of network 'default/lan': parent \"auto\" is the link of the host's default route, "
      "and the host has no default route");
}

TEST(Plan, TemporaryNamesFitAndAreTheSameAgain) {
  Pod pod;
  for (int i = 0; i < 40; ++i) pod.nics.push_back(nic("net" + std::to_string(i)));
  std::set<std::string> seen;
  for (const std::string& uid : std::vector<std::string>{"", "a", "web-1", "web-2", std::string(63, 'x')}) {
    const Result<Plan> planned = plan(pod, uid, {});
    ASSERT_TRUE(planned);
    for (const std::string& name : temporary_names(*planned)) {
      EXPECT_LE(name.size(), 15U);
      EXPECT_TRUE(seen.insert(name).second) << name;
    }
    EXPECT_EQ(temporary_names(*planned), temporary_names(*plan(pod, uid, {})));
  }
}

TEST(Plan, RefusesWhatCannotBeAnInterfaceName) {
  for (const std::string name :
       {"", ".", "..", "lo", "all", "default", "a/b", "a b", "a:b", "net%d", "a\nb", "\x80x", "sixteen-bytes-xx"}) {
    expect_invalid({nic(name)}, "it cannot be the name of an interface");
  }
  EXPECT_TRUE(plan_of({nic("fifteen-bytes-x")}));
}

TEST(Plan, RefusesWhatIsThereTwice) {
  expect_invalid({nic("net1"), nic("net1")}, "the name is used twice");
  Nic first = nic("net1");
  first.addresses = {prefix("10.0.0.1/24")};
  Nic second = nic("net2");
  second.addresses = {prefix("10.0.0.1/16")};
  expect_invalid({first, second}, "address 10.0.0.1 is used twice");
}

TEST(Plan, AllowsOneDefaultRouteOfEachFamily) {
  Nic first = nic("net1");
  first.addresses = {prefix("10.0.0.2/24")};
  first.gateways = {address("10.0.0.1")};
  Nic second = nic("net2");
  second.addresses = {prefix("fd00::2/64")};
  second.gateways = {address("fd00::1")};
  EXPECT_TRUE(plan_of({first, second}));
}

TEST(Plan, RefusesASecondDefaultRouteHoweverItIsWritten) {
  Nic first = nic("net1");
  first.addresses = {prefix("10.0.0.2/24"), prefix("fd00::2/64")};
  first.gateways = {address("10.0.0.1"), address("fd00::1")};
  Nic second = nic("net2");
  second.addresses = {prefix("10.1.0.2/24"), prefix("fd01::2/64")};

  second.gateways = {address("10.1.0.1")};
  expect_invalid({first, second}, "a second IPv4 default route: interface 'net1' has one already");
  second.gateways = {address("fd01::1")};
  expect_invalid({first, second}, "a second IPv6 default route");
  second.gateways = {};
  second.routes = {{prefix("0.0.0.0/0"), address("10.1.0.1")}};
  expect_invalid({first, second}, "a second IPv4 default route");
  second.routes = {{prefix("::/0"), std::nullopt}};
  expect_invalid({first, second}, "a second IPv6 default route");
  first.gateways = {address("10.0.0.1"), address("10.0.0.3")};
  expect_invalid({first}, "a second IPv4 default route");
}

TEST(Plan, WantsGatewaysWithinReach) {
  Nic away = nic("net1");
  away.addresses = {prefix("10.0.0.2/24")};
  away.gateways = {address("10.0.1.1")};
  expect_invalid({away}, "gateway 10.0.1.1 is in the subnet of none of its addresses");
  away.gateways = {address("fd00::1")};
  expect_invalid({away}, "gateway fd00::1");
  away.gateways = {};
  away.routes = {{prefix("192.168.0.0/16"), address("10.0.1.1")}};
  expect_invalid({away}, "route 192.168.0.0/16: gateway 10.0.1.1");

  away.gateways = {address("10.0.1.1"), address("fe80::1")};
  away.routes = {{prefix("10.0.1.1/32"), std::nullopt}};
  EXPECT_TRUE(plan_of({away})) << "an on-link route covers the gateway, and link-local gateways need none";
}

TEST(Plan, ChecksRoutes) {
  Nic routed = nic("net1");
  routed.addresses = {prefix("10.0.0.2/24"), prefix("fd00::2/64")};
  routed.routes = {{prefix("10.1.2.3/16"), address("10.0.0.1")}};
  expect_invalid({routed}, "route 10.1.2.3/16 has bits set beyond its prefix length");
  routed.routes = {{prefix("10.1.0.0/16"), address("fd00::1")}};
  expect_invalid({routed}, "different address families");
}

TEST(Plan, PutsRoutesWithoutGatewayFirst) {
  Nic routed = nic("net1");
  const Route behind{prefix("192.168.0.0/16"), address("10.9.0.1")};
  const Route direct{prefix("10.9.0.0/24"), std::nullopt};
  routed.routes = {behind, direct};
  const Result<Plan> planned = plan_of({routed});
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->links.at(0).nic.routes, (std::vector<Route>{direct, behind}));
}

TEST(Plan, ChecksTheMtu) {
  Nic small = nic("net1");
  for (const std::uint32_t wrong : {0U, 67U, 65536U, 4294967295U}) {
    small.mtu = wrong;
    expect_invalid({small}, "is outside 68 to 65535");
  }
  small.mtu = 1279;
  EXPECT_TRUE(plan_of({small}));
  small.addresses = {prefix("fd00::2/64")};
  expect_invalid({small}, "mtu 1279 is outside 1280 to 65535 (it has IPv6)");
}

TEST(Plan, RefusesAddressesThatNoInterfaceCanHave) {
  Nic wrong = nic("net1");
  for (const std::string text : {"0.0.0.0/24", "127.0.0.1/8", "224.0.0.1/4", "::1/128", "ff02::1/64", "10.0.0.1/0"}) {
    wrong.addresses = {prefix(text)};
    expect_invalid({wrong}, text + " cannot be the address of an interface");
  }
}

}  // namespace
}  // namespace tank::network
