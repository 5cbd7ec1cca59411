// observe_host(): which link the default route is, among many kinds of default routes. The host's real resolv.conf and
// hosts files are only read.
#include "network/observe.h"

#include "fixture.h"
#include "network/resolver.h"
#include "sys/file.h"

namespace tank::network {
namespace {

class ObserveHostTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    ip({"link", "add", "parent1", "type", "veth", "peer", "name", "wire1"});
    ip({"link", "set", "wire1", "up"});
    ip({"link", "set", "parent1", "up"});
    ip({"address", "add", "10.7.0.254/24", "dev", kParent});
    ip({"address", "add", "10.8.0.254/24", "dev", "parent1"});
    ip({"address", "add", "fd08::254/64", "dev", "parent1", "nodad"});
  }

  static std::string default_interface() {
    const Result<HostFacts> host = observe_host();
    EXPECT_TRUE(host) << sentence_of(host);
    return host ? host->default_interface : "";
  }
};

TEST_F(ObserveHostTest, NoDefaultRoute) { EXPECT_EQ(default_interface(), ""); }

TEST_F(ObserveHostTest, AFreshNamespaceWithoutAnyTable) {
  const sys::NetnsFd fresh = make_pod();
  Result<sys::NetnsVisit> visit = sys::NetnsVisit::enter(fresh);
  ASSERT_THAT(visit, IsOk());
  EXPECT_EQ(default_interface(), "");
}

TEST_F(ObserveHostTest, TheLowestMetricWins) {
  ip({"route", "add", "default", "via", "10.7.0.1", "metric", "200"});
  EXPECT_EQ(default_interface(), kParent);
  ip({"route", "add", "default", "via", "10.8.0.1", "metric", "100"});
  EXPECT_EQ(default_interface(), "parent1");
  ip({"route", "add", "default", "dev", kParent});
  EXPECT_EQ(default_interface(), kParent) << "no metric is metric 0";
}

TEST_F(ObserveHostTest, Ipv6CountsWhenIpv4HasNone) {
  ip({"-6", "route", "add", "default", "via", "fd08::1"});
  EXPECT_EQ(default_interface(), "parent1");
  ip({"route", "add", "default", "via", "10.7.0.1", "metric", "4000"});
  EXPECT_EQ(default_interface(), kParent);
}

TEST_F(ObserveHostTest, OfAMultipathRouteTheFirstHop) {
  ip({"route", "add", "default", "nexthop", "via", "10.8.0.1", "nexthop", "via", "10.7.0.1"});
  EXPECT_EQ(default_interface(), "parent1");
}

TEST_F(ObserveHostTest, OtherTablesKindsAndDeadRoutesDoNotCount) {
  ip({"route", "add", "default", "via", "10.8.0.1", "table", "99"});
  ip({"route", "add", "blackhole", "default", "metric", "1"});
  ip({"route", "add", "0.0.0.0/1", "via", "10.8.0.1"});
  EXPECT_EQ(default_interface(), "");
  ip({"route", "add", "default", "via", "10.7.0.1", "metric", "7"});
  EXPECT_EQ(default_interface(), kParent);
}

TEST_F(ObserveHostTest, GivesTheHostsFiles) {
  const Result<HostFacts> host = observe_host();
  ASSERT_THAT(host, IsOk());
  EXPECT_EQ(host->resolv_conf, sys::read_file("/etc/resolv.conf", 1U << 20U).value_or(""));
  EXPECT_EQ(host->hosts, sys::read_file("/etc/hosts", 1U << 20U).value_or(""));
  EXPECT_EQ(host->dns, parse_resolv_conf(host->resolv_conf));
}

}  // namespace
}  // namespace tank::network
