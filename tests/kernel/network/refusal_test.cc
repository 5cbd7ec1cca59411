// apply() when something is in the way: one clear error, its kind, and a host that is as before.
#include <gmock/gmock.h>

#include "fixture.h"
#include "network/apply.h"
#include "support/netns.h"

namespace tank::network {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class RefusalTest : public NetworkTest {
 protected:
  /// The attachment fails with this kind and words, and the host is as before.
  static void expect_refused(const Nic& wrong, Kind kind, const std::string& words) {
    const std::string before = host_snapshot();
    const sys::NetnsFd pod = make_pod();
    const Result<> refused = attach({wrong}, pod);
    ASSERT_FALSE(refused) << words;
    EXPECT_EQ(refused.error().kind(), kind) << refused.error().sentence();
    EXPECT_THAT(refused.error().sentence(),
                AllOf(HasSubstr("attaching interface 'net1' to network 'default/lan'"), HasSubstr(words)));
    EXPECT_EQ(host_snapshot(), before);
  }
};

TEST_F(RefusalTest, MissingParent) {
  Nic wrong = nic(2);
  for (const std::string missing : {"nowhere0", "", "a-name-that-is-too-long", "par\nent"}) {
    wrong.parent = missing;
    expect_refused(wrong, Kind::not_found, "the host has no link '" + missing + "'");
  }
}

TEST_F(RefusalTest, ParentThatIsDownStaysDown) {
  ip({"link", "set", kParent, "down"});
  expect_refused(nic(2), Kind::unavailable, "parent 'parent0' is down");
}

TEST_F(RefusalTest, ParentThatIsNotEthernet) {
  Nic wrong = nic(2);
  wrong.parent = "lo";
  expect_refused(wrong, Kind::invalid, "parent 'lo' is not an Ethernet link");
}

TEST_F(RefusalTest, ParentInABridge) {
  ip({"link", "add", "br0", "type", "bridge"});
  ip({"link", "set", kParent, "master", "br0"});
  expect_refused(nic(2), Kind::busy, "parent 'parent0' is in use in a way that excludes this mode");
}

TEST_F(RefusalTest, MtuAboveTheParents) {
  Nic wrong = nic(2);
  wrong.mtu = 9000;
  expect_refused(wrong, Kind::invalid, "mtu 9000 is more than the 1500 of parent 'parent0'");
}

TEST_F(RefusalTest, PassthruOnAParentInUse) {
  const sys::NetnsFd pod = make_pod();
  ASSERT_THAT(attach({nic(3)}, pod), IsOk());
  Nic wrong = nic(2);
  wrong.mode = Nic::Mode::passthru;
  expect_refused(wrong, Kind::busy, "excludes this mode");
}

TEST_F(RefusalTest, MacThatALivingPodHas) {
  const sys::NetnsFd living = make_pod();
  Nic taken = nic(2);
  taken.mac = mac("02:42:0a:07:00:02");
  ASSERT_THAT(attach({taken}, living, "living"), IsOk());
  expect_refused(taken, Kind::busy, "another link on parent 'parent0' has the MAC address 02:42:0a:07:00:02");
  ASSERT_THAT(test::talk(living, living, address("10.7.0.2")), IsOk());
}

TEST_F(RefusalTest, RouteThatIsThereAlreadyIsNamedWithTheKernelsWords) {
  Nic wrong = nic(2);
  wrong.addresses = {prefix("10.7.0.2/24")};
  wrong.routes = {{prefix("10.9.0.0/16"), std::nullopt}, {prefix("10.9.0.0/16"), std::nullopt}};
  expect_refused(wrong, Kind::exists, "adding route 10.9.0.0/16: the kernel refused: File exists");
}

}  // namespace
}  // namespace tank::network
