// undo() from the record alone, whatever happened before it.
#include <gmock/gmock.h>

#include "fixture.h"
#include "network/apply.h"
#include "network/observe.h"
#include "sys/netlink.h"
#include "sys/netlink_link.h"

namespace tank::network {
namespace {

using testing::HasSubstr;

class UndoTest : public NetworkTest {
 protected:
  static Plan plan_of(std::vector<Nic> nics) {
    Pod pod;
    pod.nics = std::move(nics);
    return *plan(pod, "pod-1", {});
  }
};

TEST_F(UndoTest, NothingToDoIsFine) {
  const std::string before = host_snapshot();
  ASSERT_THAT(undo({}), IsOk());
  ASSERT_THAT(undo({"tank-aaaaaaaaaa", "", "a name that no link can have", "x\ny"}), IsOk());
  EXPECT_EQ(host_snapshot(), before);
}

TEST_F(UndoTest, AfterApplyTheLivingPodKeepsItsLink) {
  const std::string before = host_snapshot();
  const sys::NetnsFd pod = make_pod();
  const Plan planned = plan_of({nic(2)});
  ASSERT_THAT(apply(planned, pod), IsOk());
  ASSERT_THAT(undo(temporary_names(planned)), IsOk());
  EXPECT_EQ(observe(pod)->links.at(1).interface, "net1");
  EXPECT_EQ(host_snapshot(), before);
}

TEST_F(UndoTest, AfterACrashBetweenMakingAndNaming) {
  const std::string before = host_snapshot();
  const Plan planned = plan_of({nic(2)});
  {
    const sys::NetnsFd pod = make_pod();
    Result<sys::NetlinkSocket> host = sys::NetlinkSocket::open();
    ASSERT_THAT(host, IsOk());
    const Result<std::optional<sys::Link>> parent = sys::find_link(*host, kParent);
    ASSERT_THAT(parent, IsOk());
    sys::NewMacvlan half;
    half.name = planned.links.at(0).temporary_name;
    half.parent_index = (*parent)->index;
    ASSERT_THAT(sys::create_macvlan(*host, half, pod), IsOk());
    EXPECT_EQ(host_snapshot(), before) << "it is in the pod's namespace only";
    ASSERT_THAT(undo(temporary_names(planned)), IsOk());
  }
  ASSERT_THAT(undo(temporary_names(planned)), IsOk());
  EXPECT_EQ(host_snapshot(), before);
}

TEST_F(UndoTest, RemovesItsMacvlansFromTheHostTwiceOver) {
  const std::string before = host_snapshot();
  const std::vector<std::string> names = temporary_names(plan_of({nic(2), nic(3, "net2")}));
  ip({"link", "add", "link", kParent, "name", names.at(1), "type", "macvlan"});
  EXPECT_THAT(host_snapshot(), HasSubstr(names.at(1)));
  ASSERT_THAT(undo(names), IsOk());
  EXPECT_EQ(host_snapshot(), before);
  ASSERT_THAT(undo(names), IsOk());
}

TEST_F(UndoTest, LeavesLinksOfAnotherKindAlone) {
  const std::vector<std::string> names = temporary_names(plan_of({nic(2)}));
  ip({"link", "add", names.at(0), "type", "veth", "peer", "name", "other"});
  const std::string before = host_snapshot();
  ASSERT_THAT(undo(names), IsOk());
  EXPECT_EQ(host_snapshot(), before);
}

}  // namespace
}  // namespace tank::network
