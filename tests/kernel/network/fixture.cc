#include "fixture.h"

#include "network/apply.h"
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
  std::string all;
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"ip", "-br", "link"}, {"ip", "-br", "address"}, {"ip", "route"}, {"ip", "-6", "route"}}) {
    const Result<std::string> output = test::run(command);
    EXPECT_TRUE(output) << sentence_of(output);
    all += output.value_or("");
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
