#include "oci/lower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oci/capabilities.h"

namespace tank::oci {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Scene {
  Pod pod;
  ImageConfig image;
  UserFiles users{"root:x:0:0::/root:/bin/sh\n", "root:x:0:\n"};
  HostFacts host;
  std::string profile;

  Scene() {
    pod.name = "web";
    pod.containers.resize(1);
    pod.containers[0].name = "main";
    image.cmd = {"/bin/true"};
    image.labels = {{"evil", "label"}};
    host.bounding.assign(capability_names().begin(), capability_names().end());
    host.memory = Bytes{1 << 30};
  }
  SecurityContext& security() { return pod.containers[0].security; }
  Result<Config> lowered(std::vector<Mount> mounts = {}) const {
    return lower(
        {pod, pod.containers[0], image, users, host, "/run/root", std::move(mounts), "web", "/tank/web/main", profile});
  }
};

TEST(Lower, NamesTheContainerInEveryError) {
  Scene scene;
  scene.image.cmd.clear();
  EXPECT_THAT(scene.lowered().error().sentence(), HasSubstr("container 'main'"));
  scene = Scene();
  scene.image.user = "nobody";
  EXPECT_EQ(scene.lowered().error().kind(), Kind::not_found);
  scene = Scene();
  EXPECT_EQ(scene.lowered({{"/proc", "bind", "/x", {}}}).error().kind(), Kind::invalid);
  scene.host.architecture = "mips";
  EXPECT_EQ(scene.lowered().error().kind(), Kind::unsupported);
}

TEST(Lower, ConfinesByDefault) {
  Scene scene;
  const auto got = scene.lowered();
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_EQ(got->root.path, "/run/root");
  EXPECT_FALSE(got->root.readonly);
  EXPECT_EQ(got->hostname, "web");
  EXPECT_EQ(got->process.capabilities.bounding.size(), 14U);
  EXPECT_FALSE(got->process.no_new_privileges);
  EXPECT_EQ(got->process.oom_score_adj, 1000);
  ASSERT_EQ(got->process.rlimits.size(), 1U);
  EXPECT_EQ(got->process.rlimits[0].hard, 4096U);
  ASSERT_TRUE(got->linux_.seccomp);
  EXPECT_EQ(got->linux_.namespaces.size(), 6U);
  EXPECT_THAT(got->linux_.masked_paths, Contains("/proc/kcore"));
  EXPECT_FALSE(got->linux_.resources.devices[0].allow);
  EXPECT_EQ(got->linux_.cgroups_path, "/tank/web/main");
  EXPECT_THAT(got->annotations, ElementsAre(std::pair("tank/container", "main"), std::pair("tank/pod", "default/web")));
  EXPECT_THAT(to_json(*got), Not(HasSubstr("label")));
}

TEST(Lower, TakesTheSecurityContextSwitches) {
  Scene scene;
  scene.security().allow_privilege_escalation = false;
  scene.security().readonly_root_filesystem = Readonly::yes;
  scene.security().seccomp.type = SeccompProfile::Type::unconfined;
  scene.pod.host_network = true;
  scene.pod.sysctls = {{"net.ipv4.ip_forward", "1"}};
  const auto got = scene.lowered();
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->process.no_new_privileges);
  EXPECT_TRUE(got->root.readonly);
  EXPECT_FALSE(got->linux_.seccomp);
  EXPECT_EQ(got->linux_.namespaces.size(), 5U);
  EXPECT_EQ(got->linux_.sysctl.at("net.ipv4.ip_forward"), "1");
}

TEST(Lower, OpensEverythingToThePrivileged) {
  Scene scene;
  scene.security().privileged = true;
  scene.host.devices = {{'b', "/dev/vda", 253, 0, 0660}};
  const auto got = scene.lowered();
  ASSERT_TRUE(got);
  EXPECT_FALSE(got->linux_.seccomp);
  EXPECT_THAT(got->linux_.masked_paths, IsEmpty());
  EXPECT_EQ(got->linux_.devices.back().path, "/dev/vda");
  EXPECT_TRUE(got->linux_.resources.devices[0].allow);
  EXPECT_EQ(got->process.capabilities.effective.size(), capability_names().size());
}

TEST(Lower, ReadsALocalhostProfile) {
  Scene scene;
  scene.security().seccomp = {SeccompProfile::Type::localhost, "/profiles/x.json"};
  scene.profile = "not json";
  EXPECT_THAT(scene.lowered().error().sentence(), HasSubstr("/profiles/x.json"));
  scene.profile = R"({"defaultAction":"SCMP_ACT_LOG"})";
  EXPECT_EQ(scene.lowered()->linux_.seccomp->default_action, "SCMP_ACT_LOG");
}

TEST(Lower, GatesTheProfileByTheCapabilitiesHeld) {
  Scene scene;
  const auto allows = [&](const char* name) {
    const auto config = scene.lowered();
    for (const SeccompRule& rule : config->linux_.seccomp->rules) {
      if (rule.action == "SCMP_ACT_ALLOW" && std::count(rule.names.begin(), rule.names.end(), name) != 0) return true;
    }
    return false;
  };
  EXPECT_FALSE(allows("mount"));
  EXPECT_TRUE(allows("chroot"));
  scene.security().add_capabilities = {"SYS_ADMIN"};
  scene.security().drop_capabilities = {"SYS_CHROOT"};
  EXPECT_TRUE(allows("mount"));
  EXPECT_FALSE(allows("chroot"));
}

}  // namespace
}  // namespace tank::oci
