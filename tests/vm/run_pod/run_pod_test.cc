// tank run on a machine of its own, where every cgroup controller is in the unified hierarchy: what limits do to a pod,
// what its device rules let through, and that nothing of it stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/host_snapshot.h"
#include "support/probe.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace tank::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RunPodTest : public ::testing::Test {
 protected:
  RunPodTest() {
    make_probe_root(disk_ / "root");
    // The two directories of pods stay; what must go is in them.
    for (const fs::path& tree : trees()) {
      fs::create_directories(tree);
      fs::permissions(tree, fs::perms{0700});
    }
  }

  void SetUp() override {
    if (!fs::exists("/sys/fs/cgroup/cgroup.controllers")) GTEST_SKIP() << "needs pure cgroup v2";
    before_ = capture_host(trees());
  }
  void TearDown() override { EXPECT_THAT(lasting_differences(before_, trees()), IsEmpty()); }

  /// A pod whose one container runs the probe with these words (a YAML flow list).
  Outcome run_probe(const std::string& words, const std::string& container_lines = "",
                    const std::string& metadata = "") const {
    const fs::path file = disk_ / "pod.yaml";
    std::ofstream(file) << "apiVersion: v1\nkind: Pod\nmetadata:\n  name: test\n" + metadata +
                               "spec:\n  restartPolicy: Never\n  containers:\n  - name: main\n    image: rootfs:"
                        << (disk_ / "root").native() << "\n    command: [/bin/probe, " << words << "]\n"
                        << container_lines;
    Command command;
    command.argv = {tank_program(), "run",    "--events", "--data-dir", disk_ / "data",
                    "--run-dir",    run_dir_, "-f",       file.native()};
    return run(command);
  }

  /// The event of this type, of all the lines of --events.
  static json::object event(const Outcome& outcome, std::string_view type) {
    std::istringstream lines(outcome.err);
    for (std::string line; std::getline(lines, line);) {
      json::error_code failure;
      const json::value value = json::parse(line, failure);
      if (failure || !value.is_object()) continue;
      const json::value* found = value.as_object().if_contains("event");
      if (found != nullptr && found->is_string() && std::string_view(found->as_string()) == type)
        return value.as_object();
    }
    ADD_FAILURE() << "no event '" << type << "' in: " << to_string(outcome);
    return {};
  }

  static std::string limits(const std::string& text) { return "    resources: {limits: {" + text + "}}\n"; }

 private:
  std::vector<fs::path> trees() const { return {run_dir_ / "pods", disk_ / "data/pods"}; }
  TempDir disk_;
  TempDir memory_{"/dev/shm"};
  fs::path run_dir_ = memory_ / "run";
  HostSnapshot before_;
};

TEST_F(RunPodTest, BeyondItsMemoryItIsKilledAndSaidToBe) {
  const Outcome outcome = run_probe("eat-memory, \"200000000\"", limits("memory: 64Mi"));
  EXPECT_EQ(outcome.code, 128 + SIGKILL) << to_string(outcome);
  const json::object ended = event(outcome, "signaled");
  EXPECT_EQ(ended.at("signal"), SIGKILL);
  EXPECT_EQ(ended.at("oom_killed"), true);
}

TEST_F(RunPodTest, WithinItsMemoryItRuns) {
  const Outcome outcome = run_probe("eat-memory, \"20000000\", then, exit, \"4\"", limits("memory: 64Mi"));
  EXPECT_EQ(outcome.code, 4) << to_string(outcome);
  EXPECT_THAT(outcome.out, HasSubstr("ate 20000000"));
}

TEST_F(RunPodTest, AnEndWithTheSameCodeIsNoShortage) {
  const Outcome outcome = run_probe("exit, \"137\"", limits("memory: 64Mi"));
  EXPECT_EQ(outcome.code, 137) << to_string(outcome);
  EXPECT_EQ(event(outcome, "exited").at("code"), 137);
}

TEST_F(RunPodTest, ForksNoMoreThanItMay) {
  const Outcome outcome = run_probe("fork, \"50\"", "", "  annotations: {tank/pids-limit: \"10\"}\n");
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_THAT(outcome.out, HasSubstr("forked 9 of 50: EAGAIN"));
}

TEST_F(RunPodTest, ItsLimitsStandInItsCgroup) {
  const Outcome outcome =
      run_probe("report, cgroup", limits("memory: 64Mi, cpu: 200m"), "  annotations: {tank/pids-limit: \"10\"}\n");
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  const json::value report = parse_report(outcome.out);
  const json::object& seen = report.at("cgroup").at("limits").as_object();
  EXPECT_EQ(seen.at("memory.max"), "67108864");
  EXPECT_EQ(seen.at("memory.swap.max"), "0");
  EXPECT_EQ(seen.at("memory.oom.group"), "1");
  EXPECT_EQ(seen.at("cpu.max"), "20000 100000");
  EXPECT_EQ(seen.at("pids.max"), "10");
}

TEST_F(RunPodTest, OpensOnlyItsDevices) {
  // 1:11 is /dev/kmsg, 1:3 is /dev/null, 4:64 the machine's console.
  const Outcome outcome = run_probe(
      "mknod, /tmp/kmsg, c, \"1\", \"11\", then, mknod, /tmp/null, c, \"1\", \"3\", then, mknod, /tmp/tty, c, \"4\", "
      "\"64\"");
  EXPECT_EQ(outcome.out, "open EPERM\nok\nopen EPERM\n") << to_string(outcome);
}

TEST_F(RunPodTest, PrivilegedOpensThemAll) {
  const Outcome outcome = run_probe("mknod, /tmp/kmsg, c, \"1\", \"11\"", "    securityContext: {privileged: true}\n");
  EXPECT_EQ(outcome.out, "ok\n") << to_string(outcome);
}

TEST_F(RunPodTest, ExitCodesAreItsOwn) {
  EXPECT_EQ(run_probe("exit, \"0\"").code, 0);
  EXPECT_EQ(run_probe("exit, \"3\"").code, 3);
  EXPECT_EQ(run_probe("no-such-verb").code, 64);
}

}  // namespace
}  // namespace tank::test
