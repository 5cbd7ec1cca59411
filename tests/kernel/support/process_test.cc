#include "support/process.h"

#include <gtest/gtest.h>

#include <csignal>

namespace tank::test {
namespace {

using namespace std::chrono_literals;

TEST(Process, GivesStdinTakesBothOutputsAndTheCode) {
  const Outcome outcome =
      run(Command{.argv = {"sh", "-c", "cat; echo \"$WHO\" >&2; exit 3"}, .env = {"WHO=me"}, .in = "in", .cwd = "/"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.signum, 0);
  EXPECT_EQ(outcome.out, "in");
  EXPECT_EQ(outcome.err, "me\n");
}

TEST(Process, TellsASignalFromAnExit) {
  Child child(Command{.argv = {"cat"}, .env = {}, .in = {}, .cwd = {}});
  child.signal(SIGTERM);
  const Outcome outcome = child.finish(10s);
  EXPECT_EQ(outcome.signum, SIGTERM);
  EXPECT_EQ(outcome.code, -1);
}

TEST(Process, KillsWhatDoesNotEndInTime) {
  const Outcome outcome =
      run(Command{.argv = {"tail", "-f", "/dev/null"}, .env = {}, .in = {}, .cwd = {}, .patience = 50ms});
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_EQ(outcome.signum, SIGKILL);
}

TEST(Process, WaitsForWhatAProgramSays) {
  Child child(Command{.argv = {"cat"}, .env = {}, .in = {}, .cwd = {}});
  child.write("one\n");
  EXPECT_EQ(child.wait_for_output(Child::Stream::out, "one", 10s), "one\n");
  EXPECT_EQ(child.wait_for_output(Child::Stream::out, "two", 20ms), std::nullopt);
  EXPECT_EQ(child.finish(10s).code, 0);
}

TEST(Process, SaysWhichProgramIsMissing) {
  EXPECT_THROW(run({"no-such-program-here"}), std::runtime_error);
  EXPECT_FALSE(has_program("no-such-program-here"));
  EXPECT_TRUE(has_program("sh"));
}

}  // namespace
}  // namespace tank::test
