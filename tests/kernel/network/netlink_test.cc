// The netlink calls of sys/ themselves: tables longer than one packet, and what an error says.
#include "sys/netlink.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "fixture.h"
#include "sys/netlink_address.h"
#include "sys/netlink_link.h"

namespace tank::network {
namespace {

using testing::HasSubstr;

class NetlinkTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    Result<sys::NetlinkSocket> opened = sys::NetlinkSocket::open();
    ASSERT_THAT(opened, IsOk());
    socket_ = std::make_unique<sys::NetlinkSocket>(std::move(*opened));
    parent_ = (*sys::find_link(*socket_, kParent))->index;
  }
  std::unique_ptr<sys::NetlinkSocket> socket_;
  int parent_ = 0;
};

TEST_F(NetlinkTest, ReadsTablesLongerThanOnePacket) {
  constexpr int kCount = 3000;
  for (int i = 0; i < kCount; ++i) {
    ASSERT_THAT(sys::add_address(*socket_, {parent_, prefix(concat("10.", 16 + i / 200, ".", i % 200, ".1/32"))}),
                IsOk());
  }
  const Result<std::vector<sys::LinkAddress>> listed = sys::list_addresses(*socket_);
  ASSERT_THAT(listed, IsOk());
  const auto ours = std::count_if(listed->begin(), listed->end(), [](const sys::LinkAddress& one) {
    return one.prefix.address.family == IpAddress::Family::v4 && one.prefix.length == 32;
  });
  EXPECT_EQ(ours, kCount);
}

TEST_F(NetlinkTest, QuotesTheKernelsExplanation) {
  sys::RouteEntry route;
  route.index = parent_;
  route.destination = prefix("10.9.0.0/16");
  route.gateway = address("192.0.2.1");
  const Result<> refused = sys::add_route(*socket_, route);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().sentence(), HasSubstr("adding route 10.9.0.0/16 via 192.0.2.1: the kernel refused: "
                                                    "Network is unreachable (Nexthop has invalid gateway)"));
  EXPECT_EQ(refused.error().number(), ENETUNREACH);
}

TEST_F(NetlinkTest, AnErrorDoesNotSpoilTheSocket) {
  EXPECT_EQ(sys::remove_link(*socket_, 99999).error().number(), ENODEV);
  EXPECT_FALSE(*sys::find_link(*socket_, "nowhere0"));
  EXPECT_FALSE(*sys::find_link(*socket_, 99999));
  const Result<std::optional<sys::Link>> found = sys::find_link(*socket_, parent_);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ((*found)->name, kParent);
  EXPECT_EQ((*found)->kind, "veth");
  EXPECT_TRUE((*found)->is_up);
  EXPECT_TRUE((*found)->is_ethernet);
}

TEST_F(NetlinkTest, ASecondAddressIsKindExists) {
  ASSERT_THAT(sys::add_address(*socket_, {parent_, prefix("10.7.0.9/24")}), IsOk());
  EXPECT_EQ(sys::add_address(*socket_, {parent_, prefix("10.7.0.9/24")}).error().kind(), Kind::exists);
  ASSERT_THAT(sys::add_address(*socket_, {parent_, prefix("fd07::9/64")}), IsOk());
  EXPECT_EQ(sys::add_address(*socket_, {parent_, prefix("fd07::9/64")}).error().kind(), Kind::exists);
}

TEST_F(NetlinkTest, LinksAreListedAsTheyAre) {
  const Result<std::vector<sys::Link>> links = sys::list_links(*socket_);
  ASSERT_THAT(links, IsOk());
  std::vector<std::string> names;
  for (const sys::Link& link : *links) names.push_back(link.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"lo", kParent, "wire0"}));
  EXPECT_EQ(links->front().index, sys::kLoopbackIndex);
}

}  // namespace
}  // namespace tank::network
