#include "shim/plan.h"

#include <gtest/gtest.h>

namespace tank::shim {
namespace {

namespace attribute = sys::mount_attribute;

ContainerPlan full_plan() {
  ContainerPlan plan;
  plan.name = "web";
  plan.init = true;
  plan.stop_signal = 3;
  plan.grace = std::chrono::milliseconds(1500);
  plan.overlay = {{"/layers/a", "/layers/b"}, "/upper", "/work"};
  plan.seccomp = std::vector<std::uint8_t>(16, 7);
  oci::Config& config = plan.config;
  config.root = {"/merged", true};
  config.process.args = {"server", "--port", "80"};
  config.process.env = {"PATH=/bin", "A=b"};
  config.process.cwd = "/srv";
  config.process.user = {1000, 1001, {5, 6}};
  config.process.terminal = true;
  config.process.no_new_privileges = true;
  config.process.capabilities.bounding = {"CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"};
  config.process.capabilities.permitted = {"CAP_KILL"};
  config.process.rlimits = {{"RLIMIT_NOFILE", 10, 20}};
  config.process.oom_score_adj = -5000;
  config.mounts = {{"/dev", "tmpfs", "tmpfs", {"nosuid", "ro", "rw", "ro", "mode=755", "sync"}},
                   {"/data", "bind", "/host", {"rbind", "ro", "noatime", "X-mount.subdir=a/b"}}};
  config.linux_.devices = {{'c', "/dev/fuse", 10, 229, 0600}};
  config.linux_.masked_paths = {"/proc/keys"};
  config.linux_.readonly_paths = {"/proc/sys", "/proc/bus"};
  config.linux_.sysctl = {{"net.ipv4.ip_forward", "1"}};
  return plan;
}

TEST(Plan, ComesBackLowered) {
  const auto bytes = encode(full_plan());
  ASSERT_TRUE(bytes) << bytes.error().sentence();
  const auto plan = decode_plan(*bytes);
  ASSERT_TRUE(plan);
  EXPECT_STREQ(plan->name, "web");
  EXPECT_TRUE(plan->init && plan->terminal && plan->no_new_privileges && plan->readonly_root);
  EXPECT_EQ(plan->stop_signal, 3);
  EXPECT_EQ(plan->grace_ms, 1500);
  EXPECT_STREQ(plan->root, "/merged");
  ASSERT_EQ(plan->lower.size(), 2U);
  EXPECT_STREQ(plan->lower[1], "/layers/b");
  EXPECT_STREQ(plan->upper, "/upper");
  ASSERT_EQ(plan->arguments.size(), 4U);
  EXPECT_STREQ(plan->arguments[2], "80");
  EXPECT_EQ(plan->arguments[3], nullptr);
  EXPECT_EQ(plan->environment.back(), nullptr);
  EXPECT_EQ(plan->groups, (std::vector<std::uint32_t>{5, 6}));
  EXPECT_EQ(plan->capabilities.bounding, 1U | std::uint64_t{1} << 40U);
  EXPECT_EQ(plan->capabilities.permitted, 1U << 5U);
  EXPECT_EQ(plan->capabilities.ambient, 0U);
  EXPECT_EQ(plan->limits.at(0).hard, 20U);
  EXPECT_EQ(plan->oom_score_adjustment, -1000);
  EXPECT_EQ(plan->seccomp.size(), 16U);
  EXPECT_EQ(plan->devices.at(0).mode, 0020600U);
  EXPECT_STREQ(plan->sysctl.at(0).second, "1");
}

TEST(Plan, MountOptionsBecomeAttributesAndTheLastWordCounts) {
  const auto bytes = encode(full_plan());
  const auto plan = decode_plan(*bytes);
  ASSERT_TRUE(plan);
  const MountStep& dev = plan->mounts.at(0);
  EXPECT_EQ(dev.set, attribute::kNoSuid | attribute::kReadonly);
  EXPECT_EQ(dev.clear, 0U);
  EXPECT_FALSE(dev.is_bind);
  ASSERT_EQ(dev.options.size(), 2U);
  EXPECT_STREQ(dev.options[0].key, "mode");
  EXPECT_STREQ(dev.options[0].value, "755");
  EXPECT_STREQ(dev.options[1].key, "sync");
  EXPECT_EQ(dev.options[1].value, nullptr);
  const MountStep& data = plan->mounts.at(1);
  EXPECT_TRUE(data.is_bind && data.is_recursive);
  EXPECT_EQ(data.set, attribute::kReadonly | attribute::kNoAccessTime);
  EXPECT_EQ(data.clear, attribute::kAccessTime);
  EXPECT_STREQ(data.subdirectory, "a/b");
}

TEST(Plan, WhatTheChildWouldNotUnderstandIsRefused) {
  using Change = void (*)(ContainerPlan&);
  const std::vector<std::pair<const char*, Change>> cases = {
      {"CAP_FLY", [](ContainerPlan& plan) { plan.config.process.capabilities.ambient = {"CAP_FLY"}; }},
      {"RLIMIT_FUN",
       [](ContainerPlan& plan) {
         plan.config.process.rlimits = {{"RLIMIT_FUN", 1, 1}};
       }},
      {"RLIMIT_NOFILE",
       [](ContainerPlan& plan) {
         plan.config.process.rlimits = {{"RLIMIT_NOFILE", 2, 1}};
       }},
      {"command", [](ContainerPlan& plan) { plan.config.process.args.clear(); }},
      {"working directory", [](ContainerPlan& plan) { plan.config.process.cwd = "srv"; }},
      {"root", [](ContainerPlan& plan) { plan.config.root.path = "merged"; }},
      {"name", [](ContainerPlan& plan) { plan.name.clear(); }},
      {"name", [](ContainerPlan& plan) { plan.name = std::string(256, 'x'); }},
      {"signal", [](ContainerPlan& plan) { plan.stop_signal = 65; }},
      {"grace", [](ContainerPlan& plan) { plan.grace = std::chrono::milliseconds(-1); }},
      {"work directory", [](ContainerPlan& plan) { plan.overlay.work.clear(); }},
      {"without a layer", [](ContainerPlan& plan) { plan.overlay.lower.clear(); }},
      {"seccomp", [](ContainerPlan& plan) { plan.seccomp.resize(9); }},
      {"seccomp", [](ContainerPlan& plan) { plan.seccomp.resize(8UL * 4097); }},
      {"zero byte", [](ContainerPlan& plan) { plan.config.process.env = {std::string("A=\0b", 4)}; }},
      {"ext4", [](ContainerPlan& plan) { plan.config.mounts[0].type = "ext4"; }},
      {"destination", [](ContainerPlan& plan) { plan.config.mounts[0].destination = "dev"; }},
      {"source", [](ContainerPlan& plan) { plan.config.mounts[1].source = "host"; }},
      {"rslave", [](ContainerPlan& plan) { plan.config.mounts[1].options.emplace_back("rslave"); }},
      {"sub-directory", [](ContainerPlan& plan) { plan.config.mounts[0].options.emplace_back("X-mount.subdir=x"); }},
      {"device", [](ContainerPlan& plan) { plan.config.linux_.devices[0].type = 'x'; }},
      {"device", [](ContainerPlan& plan) { plan.config.linux_.devices[0].minor = -1; }},
      {"sysctl",
       [](ContainerPlan& plan) {
         plan.config.linux_.sysctl = {{"/etc/passwd", "x"}};
       }},
  };
  for (const auto& [word, change] : cases) {
    ContainerPlan plan = full_plan();
    change(plan);
    const auto bytes = encode(plan);
    ASSERT_FALSE(bytes) << word;
    EXPECT_EQ(bytes.error().kind(), Kind::invalid);
    EXPECT_NE(bytes.error().sentence().find(word), std::string::npos) << bytes.error().sentence();
  }
}

TEST(Plan, ACutOneIsRefused) {
  const auto bytes = encode(full_plan());
  ASSERT_TRUE(bytes);
  for (std::size_t size = 0; size < bytes->size(); ++size) EXPECT_FALSE(decode_plan(bytes->substr(0, size)));
  EXPECT_FALSE(decode_plan(*bytes + 'x'));
}

TEST(Plan, ChangedBytesAreRefusedOrStaySound) {
  const auto bytes = encode(full_plan());
  ASSERT_TRUE(bytes);
  for (std::size_t at = 0; at < bytes->size(); ++at) {
    for (const char value : {'\0', '\1', '\x7f', '\xff'}) {
      std::string changed = *bytes;
      changed[at] = value;
      const auto plan = decode_plan(changed);
      if (!plan) continue;
      EXPECT_NE(plan->name[0], '\0');
      EXPECT_EQ(plan->root[0], '/');
      EXPECT_EQ(plan->arguments.back(), nullptr);
      EXPECT_TRUE(plan->stop_signal >= 1 && plan->stop_signal <= 64);
    }
  }
}

}  // namespace
}  // namespace tank::shim
