#include "oci/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

namespace tank::oci {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> everything() { return {capability_names().begin(), capability_names().end()}; }

std::vector<std::string> everything_but(const std::string& one) {
  std::vector<std::string> out = everything();
  out.erase(std::remove(out.begin(), out.end(), one), out.end());
  return out;
}

std::vector<std::string> sorted(std::vector<std::string> list) {
  std::sort(list.begin(), list.end());
  return list;
}

Result<Capabilities> resolve(std::vector<std::string> add, std::vector<std::string> drop,
                             const std::vector<std::string>& bounding = everything()) {
  SecurityContext security;
  security.add_capabilities = std::move(add);
  security.drop_capabilities = std::move(drop);
  return resolve_capabilities(security, bounding);
}

TEST(CapabilityNames, AreNumberedAsTheKernelDoes) {
  const auto& names = capability_names();
  ASSERT_EQ(names.size(), std::size_t{CAP_CHECKPOINT_RESTORE} + 1);
  EXPECT_EQ(names[CAP_CHOWN], "CAP_CHOWN");
  EXPECT_EQ(names[CAP_SETPCAP], "CAP_SETPCAP");
  EXPECT_EQ(names[CAP_NET_RAW], "CAP_NET_RAW");
  EXPECT_EQ(names[CAP_SYS_ADMIN], "CAP_SYS_ADMIN");
  EXPECT_EQ(names[CAP_SYS_RESOURCE], "CAP_SYS_RESOURCE");
  EXPECT_EQ(names[CAP_MKNOD], "CAP_MKNOD");
  EXPECT_EQ(names[CAP_SYSLOG], "CAP_SYSLOG");
  EXPECT_EQ(names[CAP_BPF], "CAP_BPF");
  EXPECT_EQ(names[CAP_CHECKPOINT_RESTORE], "CAP_CHECKPOINT_RESTORE");
}

TEST(ResolveCapabilities, RefusesWhatIsNoneAndWhatCannotBeGiven) {
  for (const auto* wrong : {"", "CAP_", "NET", "CAP_CAP_CHOWN", "CHOWN ", "ALL,CHOWN"}) {
    EXPECT_EQ(resolve({wrong}, {}).error().kind(), Kind::invalid) << wrong;
    EXPECT_EQ(resolve({}, {wrong}).error().kind(), Kind::invalid) << wrong;
  }
  EXPECT_EQ(resolve({"SYS_RESOURCE"}, {}, everything_but("CAP_SYS_RESOURCE")).error().kind(), Kind::denied);
}

TEST(ResolveCapabilities, StartsFromDockersDefault) {
  const auto got = resolve({}, {});
  ASSERT_TRUE(got);
  EXPECT_THAT(got->bounding, ElementsAre("CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",
                                         "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP",
                                         "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"));
  EXPECT_EQ(got->permitted, got->bounding);
  EXPECT_EQ(got->effective, got->bounding);
  EXPECT_THAT(got->inheritable, IsEmpty());
  EXPECT_THAT(got->ambient, IsEmpty());
}

TEST(ResolveCapabilities, AddsAndDrops) {
  EXPECT_THAT(resolve({"NET_ADMIN"}, {"ALL"})->bounding, ElementsAre("CAP_NET_ADMIN"));
  EXPECT_THAT(resolve({"net_admin", "CAP_SYS_TIME"}, {"all"})->bounding, ElementsAre("CAP_NET_ADMIN", "CAP_SYS_TIME"));
  EXPECT_THAT(resolve({}, {"ALL"})->bounding, IsEmpty());
  EXPECT_THAT(resolve({"CHOWN"}, {"ALL", "CHOWN"})->bounding, IsEmpty());
  EXPECT_EQ(resolve({"ALL"}, {})->bounding, sorted(everything()));
  EXPECT_EQ(resolve({"ALL"}, {"SYS_ADMIN"})->bounding, sorted(everything_but("CAP_SYS_ADMIN")));
  EXPECT_EQ(resolve({}, {"NET_RAW"})->bounding.size(), 13U);
  EXPECT_EQ(resolve({"CHOWN"}, {})->bounding.size(), 14U);
}

TEST(ResolveCapabilities, GivesNoMoreThanThereIs) {
  const std::vector<std::string> few{"CAP_CHOWN", "CAP_SYS_ADMIN"};
  EXPECT_THAT(resolve({}, {}, few)->bounding, ElementsAre("CAP_CHOWN"));
  EXPECT_THAT(resolve({"ALL"}, {}, few)->bounding, ElementsAre("CAP_CHOWN", "CAP_SYS_ADMIN"));
  SecurityContext security;
  security.privileged = true;
  security.drop_capabilities = {"CHOWN"};
  EXPECT_THAT(resolve_capabilities(security, few)->effective, ElementsAre("CAP_CHOWN", "CAP_SYS_ADMIN"));
}

}  // namespace
}  // namespace tank::oci
