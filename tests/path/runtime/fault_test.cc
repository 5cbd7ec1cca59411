// The fault matrix, made from the bring-up table itself: for every step, make it fail, and kill the owner, the shim or
// the container at it. Each time the host is afterwards as it was, by `tank cleanup` at the latest, and the same pod
// can run again.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "pod_fixture.h"
#include "runtime/bring_up.h"
#include "tank/runtime.h"

namespace tank::test {
namespace {

struct Fault {
  std::string what;
  std::string step;
  std::string moment;
};

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.what << " at " << fault.moment << " of " << fault.step;
}

std::vector<Fault> every_fault() {
  std::vector<Fault> faults;
  bool has_processes = false;
  for (const runtime::Step& step : runtime::steps()) {
    const std::string name(step.name);
    faults.push_back({"fail", name, "up"});
    faults.push_back({"kill-owner", name, "begin"});
    faults.push_back({"kill-owner", name, "up"});
    // Before the sandbox there is neither shim nor container.
    has_processes = has_processes || name == "sandbox";
    if (!has_processes) continue;
    faults.push_back({"kill-shim", name, "up"});
    faults.push_back({"kill-container", name, "up"});
  }
  return faults;
}

std::string name_of(const ::testing::TestParamInfo<Fault>& info) {
  std::string name = info.param.what + "_at_" + info.param.moment + "_of_" + info.param.step;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class FaultTest : public PodTest, public ::testing::WithParamInterface<Fault> {
 protected:
  Outcome run_owner(const Fault& fault) const {
    const std::string file =
        write("fault.yaml", manifest("[/bin/sleep, \"1000\"]", "", "  volumes: [{name: scratch}]\n"));
    Command command;
    command.argv = {(build_dir() / "tests/pod_owner").native(),
                    file,
                    data_dir(),
                    run_dir(),
                    shim_program().native(),
                    fault.what,
                    fault.step,
                    fault.moment};
    command.patience = std::chrono::seconds(30);
    return run(command);
  }
};

TEST_P(FaultTest, LeavesTheHostAsItWas) {
  const Fault& fault = GetParam();
  const HostSnapshot before = look();
  const Outcome outcome = run_owner(fault);
  ASSERT_FALSE(outcome.timed_out) << to_string(outcome);

  const bool owner_dies = fault.what == "kill-owner";
  if (fault.what.starts_with("kill-") && !owner_dies) {
    EXPECT_NE(outcome.out.find("killing "), std::string::npos) << to_string(outcome);
  }
  if (owner_dies) {
    EXPECT_EQ(outcome.signum, SIGKILL) << to_string(outcome);
  } else {
    EXPECT_EQ(outcome.code, 0) << to_string(outcome);
    EXPECT_NE(outcome.out.find("stopped: "), std::string::npos) << to_string(outcome);
    EXPECT_EQ(outcome.out.find("stopped: normal"), std::string::npos) << to_string(outcome);
  }
  const CleanUpReport report = clean_up(data_dir(), run_dir());
  for (const Error& error : report.errors) ADD_FAILURE() << to_string(error);
  expect_unchanged(before);

  const Outcome again = run_manifest(manifest("[/bin/true]"));
  EXPECT_EQ(again.code, 0) << to_string(again);
  expect_unchanged(before);
}

INSTANTIATE_TEST_SUITE_P(EveryStep, FaultTest, ::testing::ValuesIn(every_fault()), name_of);

/// A second way: nobody calls cleanup, the next run of the same pod finds what is left and takes it down.
TEST_F(PodTest, TheNextRunCleansUpAfterADeadOwner) {
  const HostSnapshot before = look();
  {
    Child owner(tank("run", {"-f", write("pod.yaml", manifest("[/bin/sh, -c, \"echo up; sleep 1000\"]"))}));
    ASSERT_TRUE(owner.wait_for_output(Child::Stream::out, "up", std::chrono::seconds(20)));
    owner.signal(SIGKILL);
    EXPECT_EQ(owner.finish(std::chrono::seconds(10)).signum, SIGKILL);
  }
  const Outcome again = run_manifest(manifest("[/bin/echo, again]"));
  EXPECT_EQ(again.code, 0) << to_string(again);
  EXPECT_EQ(again.out, "again\n");
  expect_unchanged(before);
}

}  // namespace
}  // namespace tank::test
