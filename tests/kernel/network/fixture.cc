#include "fixture.h"

#include "network/apply.h"
#include "network/observe.h"
#include "network/prefix.h"
#include "support/netns.h"

namespace tank::network {

void NetworkTest::SetUp() {
  outside_ = host_snapshot();
  Result<sys::NetnsFd> host = test::make_netns();
  ASSERT_THAT(host, IsOk());
  host_ = std::move(*host);
  Result<sys::NetnsVisit> visit = sys::NetnsVisit::enter(host_);
  ASSERT_THAT(visit, IsOk());
  visit_ = std::make_unique<sys::NetnsVisit>(std::move(*visit));
  ip({"link", "set", "lo", "up"});
  ip({"link", "add", kParent, "type", "veth", "peer", "name", "wire0"});
  ip({"link", "set", "wire0", "up"});
  ip({"link", "set", kParent, "up"});
}

void NetworkTest::TearDown() {
  visit_.reset();
  EXPECT_EQ(host_snapshot(), outside_) << "the real host has changed";
}

void NetworkTest::ip(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ip");
  ASSERT_THAT(test::run(arguments), IsOk());
}

std::string NetworkTest::host_snapshot() {
  const Result<sys::NetnsFd> here = sys::open_own_netns();
  const Result<Observed> observed = here ? observe(*here) : Result<Observed>(here.error());
  EXPECT_THAT(observed, IsOk());
  std::string all;
  for (const ObservedLink& link : observed ? observed->links : std::vector<ObservedLink>{}) {
    all += concat(link.interface, " ", link.kind, " ", to_string(link.mac), " mtu ", link.mtu,
                  link.is_up ? " up\n" : "\n");
    for (const IpPrefix& address : link.addresses) {
      // These come and go with the carrier, some time after the link is up.
      if (!is_link_local(address.address)) all += "  " + to_string(address) + "\n";
    }
    for (const Route& route : link.routes) {
      all += "  to " + to_string(route.destination) + (route.gateway ? " via " + to_string(*route.gateway) : "") + "\n";
    }
  }
  return all;
}

sys::NetnsFd NetworkTest::make_pod() {
  Result<sys::NetnsFd> pod = test::make_netns();
  EXPECT_TRUE(pod) << sentence_of(pod);
  return pod ? std::move(*pod) : sys::NetnsFd();
}

Nic NetworkTest::nic(unsigned number, const std::string& interface) {
  Nic made;
  made.network = "default/lan";
  made.interface = interface;
  made.parent = kParent;
  made.addresses = {prefix(concat("10.7.0.", number, "/24")), prefix(concat("fd07::", number, "/64"))};
  return made;
}

Result<> NetworkTest::attach(std::vector<Nic> nics, const sys::NetnsFd& pod, const std::string& uid) {
  Pod described;
  described.nics = std::move(nics);
  const Plan planned = TRY(plan(described, uid, {}));
  return apply(planned, pod);
}

}  // namespace tank::network
