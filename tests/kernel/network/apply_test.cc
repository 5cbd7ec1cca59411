// apply() against the real kernel: what it makes, read back by observe() and by `ip`, and used by real traffic.
#include "network/apply.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <thread>

#include "fixture.h"
#include "network/observe.h"
#include "support/netns.h"
#include "sys/file.h"

namespace tank::network {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

class ApplyTest : public NetworkTest {
 protected:
  static Observed see(const sys::NetnsFd& pod) {
    Result<Observed> observed = observe(pod);
    EXPECT_TRUE(observed) << sentence_of(observed);
    return observed ? std::move(*observed) : Observed();
  }
};

TEST_F(ApplyTest, APodWithoutNicsGetsLoopback) {
  const sys::NetnsFd pod = make_pod();
  EXPECT_FALSE(see(pod).links.at(0).is_up);
  ASSERT_THAT(attach({}, pod), IsOk());
  const Observed observed = see(pod);
  ASSERT_EQ(observed.links.size(), 1U);
  EXPECT_EQ(observed.links[0].interface, "lo");
  EXPECT_TRUE(observed.links[0].is_up);
  EXPECT_THAT(observed.links[0].addresses, ElementsAre(prefix("127.0.0.1/8"), prefix("::1/128")));
  EXPECT_THAT(observed.links[0].routes, IsEmpty());
  ASSERT_THAT(test::talk(pod, pod, address("127.0.0.1")), IsOk());
  ASSERT_THAT(test::talk(pod, pod, address("::1")), IsOk());
}

TEST_F(ApplyTest, APodOnTheHostsNetworkIsLeftAlone) {
  const sys::NetnsFd pod = make_pod();
  Pod described;
  described.host_network = true;
  ASSERT_THAT(apply(*plan(described, "a", {}), pod), IsOk());
  EXPECT_FALSE(see(pod).links.at(0).is_up);
}

TEST_F(ApplyTest, MakesTheLinkAsPlanned) {
  const std::string before = host_snapshot();
  const sys::NetnsFd pod = make_pod();
  Nic wanted = nic(2);
  wanted.mac = mac("02:42:0a:07:00:02");
  wanted.mtu = 1400;
  wanted.gateways = {address("10.7.0.1"), address("fd07::1")};
  const Route direct{prefix("10.9.0.0/16"), std::nullopt};
  const Route behind{prefix("10.10.0.0/16"), address("10.9.0.1")};
  const Route behind_v6{prefix("fd10::/32"), address("fd07::3")};
  wanted.routes = {behind, direct, behind_v6};
  ASSERT_THAT(attach({wanted}, pod), IsOk());

  const Observed observed = see(pod);
  ASSERT_EQ(observed.links.size(), 2U);
  const ObservedLink& link = observed.links[1];
  EXPECT_EQ(link.interface, "net1");
  EXPECT_EQ(link.kind, "macvlan");
  EXPECT_EQ(link.mode, Nic::Mode::bridge);
  EXPECT_TRUE(link.is_up);
  EXPECT_EQ(link.mac, *wanted.mac);
  EXPECT_EQ(link.mtu, 1400U);
  EXPECT_THAT(link.addresses, IsSupersetOf(wanted.addresses));
  const Route default_v4{prefix("0.0.0.0/0"), address("10.7.0.1")};
  const Route default_v6{prefix("::/0"), address("fd07::1")};
  EXPECT_THAT(link.routes, testing::UnorderedElementsAre(direct, behind, behind_v6, default_v4, default_v6));
  EXPECT_EQ(host_snapshot(), before);
}

TEST_F(ApplyTest, IpSeesTheSame) {
  const sys::NetnsFd pod = make_pod();
  Nic wanted = nic(2, "eth0");
  wanted.mac = mac("02:42:0a:07:00:02");
  wanted.gateways = {address("10.7.0.1"), address("fd07::1")};
  ASSERT_THAT(attach({wanted}, pod), IsOk());

  const Result<std::string> shown = test::run_in(pod, {"ip", "-j", "-d", "address", "show", "eth0"});
  ASSERT_THAT(shown, IsOk());
  const boost::json::value parsed = boost::json::parse(*shown);
  const boost::json::object& link = parsed.at(0).as_object();
  EXPECT_EQ(link.at("address").as_string(), "02:42:0a:07:00:02");
  EXPECT_EQ(link.at("linkinfo").at("info_kind").as_string(), "macvlan");
  EXPECT_EQ(link.at("linkinfo").at("info_data").at("mode").as_string(), "bridge");
  EXPECT_EQ(link.at("mtu").as_int64(), 1500);
  bool has_v4 = false;
  for (const boost::json::value& entry : link.at("addr_info").as_array()) {
    EXPECT_FALSE(entry.as_object().contains("tentative") && entry.at("scope").as_string() == "global");
    if (entry.at("local").as_string() != "10.7.0.2") continue;
    has_v4 = true;
    EXPECT_EQ(entry.at("prefixlen").as_int64(), 24);
    EXPECT_EQ(entry.at("broadcast").as_string(), "10.7.0.255");
  }
  EXPECT_TRUE(has_v4);
  EXPECT_THAT(*test::run_in(pod, {"ip", "route", "show", "default"}), HasSubstr("default via 10.7.0.1 dev eth0"));
  EXPECT_THAT(*test::run_in(pod, {"ip", "-6", "route", "show", "default"}), HasSubstr("default via fd07::1 dev eth0"));
}

TEST_F(ApplyTest, TwoPodsOnOneParentTalkAtOnceOverBothFamilies) {
  const sys::NetnsFd one = make_pod();
  const sys::NetnsFd two = make_pod();
  ASSERT_THAT(attach({nic(1)}, one, "one"), IsOk());
  ASSERT_THAT(attach({nic(2)}, two, "two"), IsOk());
  ASSERT_THAT(test::talk(one, two, address("fd07::2")), IsOk());
  ASSERT_THAT(test::talk(two, one, address("fd07::1")), IsOk());
  ASSERT_THAT(test::talk(one, two, address("10.7.0.2")), IsOk());
  ASSERT_THAT(test::talk(two, one, address("10.7.0.1")), IsOk());
}

TEST_F(ApplyTest, APodTalksThroughItsGateway) {
  // Beyond the parent is a router with another network behind it.
  const sys::NetnsFd pod = make_pod();
  const sys::NetnsFd router = make_pod();
  const std::string there = concat("/proc/", ::getpid(), "/fd/", router.get());
  ip({"link", "add", "parent1", "type", "veth", "peer", "name", "wire1", "netns", there});
  ip({"link", "set", "parent1", "up"});
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"ip", "link", "set", "lo", "up"},
                                             {"ip", "link", "set", "wire1", "up"},
                                             {"ip", "address", "add", "10.7.0.1/24", "dev", "wire1"},
                                             {"ip", "address", "add", "fd07::1/64", "dev", "wire1", "nodad"},
                                             {"ip", "address", "add", "192.0.2.1/32", "dev", "lo"},
                                             {"ip", "address", "add", "2001:db8::1/128", "dev", "lo", "nodad"}}) {
    ASSERT_THAT(test::run_in(router, command), IsOk());
  }
  Nic routed = nic(2);
  routed.parent = "parent1";
  routed.gateways = {address("10.7.0.1"), address("fd07::1")};
  ASSERT_THAT(attach({routed}, pod), IsOk());
  ASSERT_THAT(test::talk(pod, router, address("192.0.2.1")), IsOk());
  ASSERT_THAT(test::talk(pod, router, address("2001:db8::1")), IsOk());
}

TEST_F(ApplyTest, SeveralNicsKeepTheirOrderAndNames) {
  ip({"link", "add", "parent1", "type", "veth", "peer", "name", "wire1"});
  ip({"link", "set", "wire1", "up"});
  ip({"link", "set", "parent1", "up"});
  const sys::NetnsFd pod = make_pod();
  Nic first = nic(2, "blue");
  Nic second = nic(3, "eth0");
  second.parent = "parent1";
  second.addresses = {prefix("10.8.0.3/24")};
  second.gateways = {address("10.8.0.1")};
  Nic third = nic(4, "net3");
  third.addresses = {};
  ASSERT_THAT(attach({first, second, third}, pod), IsOk());
  const Observed observed = see(pod);
  ASSERT_EQ(observed.links.size(), 4U);
  EXPECT_EQ(observed.links[1].interface, "blue");
  EXPECT_EQ(observed.links[2].interface, "eth0");
  EXPECT_EQ(observed.links[3].interface, "net3");
  EXPECT_TRUE(observed.links[3].is_up) << "without an address, too";
  EXPECT_THAT(observed.links[1].routes, IsEmpty());
  EXPECT_EQ(observed.links[2].routes.size(), 1U);
}

TEST_F(ApplyTest, EveryModeArrives) {
  for (const Nic::Mode mode : {Nic::Mode::bridge, Nic::Mode::private_, Nic::Mode::vepa, Nic::Mode::passthru}) {
    const sys::NetnsFd pod = make_pod();
    Nic wanted = nic(2);
    wanted.mode = mode;
    wanted.mac = mac("02:42:0a:07:00:99");
    // The link of the round before holds MAC address and parent until the kernel has dismantled it.
    ASSERT_THAT(attach({wanted}, pod), IsOk());
    EXPECT_EQ(see(pod).links.at(1).mode, mode);
    EXPECT_EQ(see(pod).links.at(1).mac, *wanted.mac);
  }
}

TEST_F(ApplyTest, TheParentOfAPassthruGetsItsMacBack) {
  const std::string before = host_snapshot();
  {
    const sys::NetnsFd pod = make_pod();
    Nic wanted = nic(2);
    wanted.mode = Nic::Mode::passthru;
    wanted.mac = mac("02:42:0a:07:00:99");
    ASSERT_THAT(attach({wanted}, pod), IsOk());
    EXPECT_NE(host_snapshot(), before) << "a passthru link and its parent share one MAC address";
  }
  // Its end is told on no socket of ours; the next passthru cannot be made before it.
  Nic next = nic(3);
  next.mode = Nic::Mode::passthru;
  const sys::NetnsFd pod = make_pod();
  ASSERT_THAT(attach({next}, pod), IsOk());
  EXPECT_EQ(host_snapshot(), before);
}

TEST_F(ApplyTest, AHostLinkOfTheSameNameIsNoObstacle) {
  ip({"link", "add", "net1", "type", "veth", "peer", "name", "other"});
  const sys::NetnsFd pod = make_pod();
  ASSERT_THAT(attach({nic(2), nic(3, kParent)}, pod), IsOk());
  EXPECT_EQ(see(pod).links.at(1).interface, "net1");
  EXPECT_EQ(see(pod).links.at(2).interface, kParent);
}

TEST_F(ApplyTest, SwitchesIpv6OnWhereTheNamespaceHasItOff) {
  const sys::NetnsFd pod = make_pod();
  ASSERT_THAT(test::run_in(pod, {"sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"}), IsOk());
  Nic only_v4 = nic(3, "net2");
  only_v4.addresses = {prefix("10.7.0.3/24")};
  ASSERT_THAT(attach({nic(2), only_v4}, pod), IsOk());
  EXPECT_THAT(see(pod).links.at(1).addresses, Contains(prefix("fd07::2/64")));
  EXPECT_EQ(*test::run_in(pod, {"cat", "/proc/sys/net/ipv6/conf/net2/disable_ipv6"}), "1\n") << "not asked for there";
}

TEST_F(ApplyTest, AFailureHalfwayLeavesTheHostAsItWas) {
  const std::string before = host_snapshot();
  {
    const sys::NetnsFd pod = make_pod();
    Nic missing = nic(3, "net2");
    missing.parent = "nowhere0";
    const Result<> failed = attach({nic(2), missing}, pod);
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().sentence(), HasSubstr("'net2'"));
    EXPECT_EQ(see(pod).links.size(), 2U) << "the first link is in the namespace and goes with it";
    EXPECT_EQ(host_snapshot(), before);
  }
  EXPECT_EQ(host_snapshot(), before);
}

TEST_F(ApplyTest, TheNextLifeOfAPodGetsItsMacAddress) {
  Nic same = nic(2);
  same.mac = mac("02:42:0a:07:00:02");
  for (int life = 0; life < 20; ++life) {
    const sys::NetnsFd pod = make_pod();
    ASSERT_THAT(attach({same}, pod), IsOk());
  }
}

TEST_F(ApplyTest, LeavesNoDescriptorsBehind) {
  const auto open_descriptors = [] { return sys::list_dir("/proc/self/fd")->size(); };
  const sys::NetnsFd pod = make_pod();
  ASSERT_THAT(attach({nic(2)}, pod), IsOk());
  const std::size_t before = open_descriptors();
  ASSERT_THAT(attach({nic(3, "net2")}, pod, "again"), IsOk());
  Nic wrong = nic(4, "net3");
  wrong.parent = "nowhere0";
  EXPECT_FALSE(attach({wrong}, pod));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ApplyTest, ManyPodsAtOnceDoNotDisturbEachOther) {
  constexpr unsigned kThreads = 4;
  constexpr unsigned kPods = 10;
  std::vector<sys::NetnsFd> pods;
  for (unsigned i = 0; i < kThreads * kPods; ++i) pods.push_back(make_pod());
  std::vector<std::string> failures(kThreads);
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (unsigned i = thread * kPods; i < (thread + 1) * kPods; ++i) {
        failures[thread] += sentence_of(attach({nic(i + 1)}, pods[i], concat("pod-", i)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(failures, testing::Each(""));
  for (unsigned i = 0; i < kThreads * kPods; ++i) {
    EXPECT_THAT(see(pods[i]).links.at(1).addresses, Contains(prefix(concat("10.7.0.", i + 1, "/24"))));
  }
}

}  // namespace
}  // namespace tank::network
