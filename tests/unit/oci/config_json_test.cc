#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "oci/config.h"

namespace tank::oci {
namespace {

namespace json = boost::json;

json::value parsed(const Config& config) {
  json::error_code failure;
  json::value out = json::parse(to_json(config), failure);
  EXPECT_FALSE(failure) << failure.message() << "\n" << to_json(config);
  return out;
}

TEST(ToJson, IsJsonWhateverAnImageSays) {
  Config config;
  config.process.args = {"a\"b\\c\n\t\x01\x7f", "ünïcode €𝄞", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80",
                         "\xf4\x90\x80\x80",    "\xe2\x82",   "\xc3",     ""};
  config.annotations["k\"\xff"] = "v";
  const json::value got = parsed(config);
  const auto& args = got.at("process").at("args").as_array();
  ASSERT_EQ(args.size(), config.process.args.size());
  EXPECT_EQ(args[0].as_string(), config.process.args[0]);
  EXPECT_EQ(args[1].as_string(), config.process.args[1]);
  EXPECT_EQ(args[2].as_string(), "\ufffd\ufffd");
  EXPECT_EQ(args[3].as_string(), "\ufffd\ufffd");
  EXPECT_EQ(args[4].as_string(), "\ufffd\ufffd\ufffd");
  EXPECT_EQ(args[5].as_string(), "\ufffd\ufffd\ufffd\ufffd");
  EXPECT_EQ(args[6].as_string(), "\ufffd\ufffd");
  EXPECT_EQ(args[7].as_string(), "\ufffd");
}

TEST(ToJson, LeavesOutWhatIsNotSet) {
  const json::value got = parsed(Config{});
  EXPECT_EQ(got.at("ociVersion").as_string(), "1.0.2");
  EXPECT_FALSE(got.at("process").as_object().contains("oomScoreAdj"));
  const auto& section = got.at("linux").as_object();
  for (const auto* name : {"seccomp", "sysctl", "cgroupsPath"}) EXPECT_FALSE(section.contains(name)) << name;
  for (const auto* name : {"memory", "cpu", "pids"})
    EXPECT_FALSE(section.at("resources").as_object().contains(name)) << name;
}

Config full() {
  Config config;
  config.process.terminal = true;
  config.process.user = {1, 2, {3, 4}};
  config.process.oom_score_adj = -5;
  config.process.rlimits = {{"RLIMIT_NOFILE", 1, UINT64_MAX}};
  config.process.capabilities.bounding = {"CAP_CHOWN"};
  config.root = {"/r", true};
  config.mounts = {{"/d", "bind", "/s", {"ro", "X-mount.subdir=a/b", "rbind"}}};
  config.linux_.namespaces = {{"pid", ""}, {"network", "/n"}};
  config.linux_.devices = {{'c', "/dev/null", 1, 3, 0666}};
  config.linux_.resources.devices = {{}, {true, 'c', 136, std::nullopt, "rw"}};
  config.linux_.resources.memory_limit = 7;
  config.linux_.resources.cpu_quota = 8;
  config.linux_.resources.pids_limit = 9;
  config.linux_.sysctl = {{"net.x", "1"}};
  config.linux_.seccomp = Seccomp{
      "SCMP_ACT_ERRNO", 1, {"SCMP_ARCH_X86"}, {{{"a", "b"}, "SCMP_ACT_ALLOW", 2, {{1, UINT64_MAX, 3, "SCMP_CMP_EQ"}}}}};
  return config;
}

TEST(ToJson, NamesEverythingAsTheSpecificationDoes) {
  const json::value got = parsed(full());
  const json::value wanted = json::parse(R"({
    "ociVersion": "1.0.2", "root": {"path": "/r", "readonly": true}, "hostname": "",
    "process": {"terminal": true, "user": {"uid": 1, "gid": 2, "additionalGids": [3, 4]}, "args": [], "env": [], "cwd": "/",
      "capabilities": {"bounding": ["CAP_CHOWN"], "effective": [], "permitted": [], "inheritable": [], "ambient": []},
      "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 18446744073709551615}], "noNewPrivileges": false, "oomScoreAdj": -5},
    "mounts": [{"destination": "/d", "type": "bind", "source": "/s/a/b", "options": ["ro", "rbind"]}],
    "linux": {"namespaces": [{"type": "pid"}, {"type": "network", "path": "/n"}],
      "devices": [{"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 0, "gid": 0}],
      "resources": {"devices": [{"allow": false, "type": "a", "access": "rwm"}, {"allow": true, "type": "c", "major": 136, "access": "rw"}],
        "memory": {"limit": 7}, "cpu": {"quota": 8}, "pids": {"limit": 9}},
      "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X86"],
        "syscalls": [{"names": ["a", "b"], "action": "SCMP_ACT_ALLOW", "errnoRet": 2,
          "args": [{"index": 1, "value": 18446744073709551615, "valueTwo": 3, "op": "SCMP_CMP_EQ"}]}]},
      "maskedPaths": [], "readonlyPaths": [], "sysctl": {"net.x": "1"}},
    "annotations": {}})");
  EXPECT_EQ(got, wanted) << to_json(full());
}

}  // namespace
}  // namespace tank::oci
