// How a pod of `tank run` ends before its time: by signals to tank, gently and at once, and when tank itself vanishes.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "pod_events.h"
#include "pod_fixture.h"
#include "support/image_builder.h"

namespace tank::test {
namespace {

using std::chrono::seconds;

constexpr const char* kStubborn = "[/bin/probe, ignore, \"15\", then, print, ready, then, sleep]";

class StopTest : public PodTest {
 protected:
  StopTest() : before_(look()) {}
  void TearDown() override { expect_unchanged(before_); }

  Command pod(const std::string& command, const std::string& grace, const std::string& container_lines = "") const {
    return tank("run", {"--events", "-f",
                        write("pod.yaml",
                              manifest(command, container_lines, "  terminationGracePeriodSeconds: " + grace + "\n"))});
  }

  static sys::PidFd watch(pid_t pid) { return sys::PidFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }
  static bool ends(const sys::PidFd& process, seconds patience) {
    pollfd waiting{process.get(), POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(patience.count() * 1000)) == 1;
  }

 private:
  HostSnapshot before_;
};

class StopBySignal : public StopTest, public ::testing::WithParamInterface<int> {};

TEST_P(StopBySignal, TheContainerIsAskedToStop) {
  Child child(pod("[/bin/probe, await, \"15\", then, exit, \"7\"]", "60"));
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "awaiting", seconds(20)));
  child.signal(GetParam());
  const Outcome outcome = child.finish(seconds(20));
  EXPECT_EQ(outcome.code, 7) << to_string(outcome);
  EXPECT_EQ(outcome.out, "awaiting\ngot 15\n");
}

INSTANTIATE_TEST_SUITE_P(Each, StopBySignal, ::testing::Values(SIGTERM, SIGINT, SIGHUP));

TEST_F(StopTest, TheImagesStopSignalIsSent) {
  ImageBuilder builder;
  builder.layer_from_directory(image().substr(7)).stop_signal("SIGUSR1");
  const std::string layout = std::filesystem::path(write("here", "")).parent_path() / "layout";
  builder.write_layout(layout, "v1");
  std::string text = manifest("[/bin/probe, await, \"10\", \"15\", then, exit, \"0\"]");
  text.replace(text.find(image()), image().size(), "oci:" + layout + ":v1");
  Child child(tank("run", {"-f", write("pod.yaml", text)}));
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "awaiting", seconds(30)))
      << to_string(child.finish(seconds(1)));
  child.signal(SIGTERM);
  const Outcome outcome = child.finish(seconds(20));
  EXPECT_EQ(outcome.out, "awaiting\ngot 10\n") << to_string(outcome);
}

TEST_F(StopTest, OneThatDoesNotListenIsKilledAfterTheGrace) {
  Child child(pod(kStubborn, "1"));
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "ready", seconds(20)));
  child.signal(SIGTERM);
  const Outcome outcome = child.finish(seconds(20));
  EXPECT_EQ(outcome.code, 137) << to_string(outcome);
  const auto signaled = events_of(outcome.err, "signaled");
  ASSERT_EQ(signaled.size(), 1U);
  EXPECT_EQ(signaled[0].at("signal").as_int64(), SIGKILL);
  EXPECT_FALSE(signaled[0].at("oom_killed").as_bool());
}

TEST_F(StopTest, ASecondSignalEndsItAtOnce) {
  Child child(
      pod("[/bin/sh, -c, \"trap 'echo heard' TERM; sleep 1000 & echo ready; while :; do wait; done\"]", "1000"));
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "ready", seconds(20)));
  child.signal(SIGTERM);
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "heard", seconds(20)));
  child.signal(SIGTERM);
  const Outcome outcome = child.finish(seconds(20));
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.code, 137) << to_string(outcome);
}

TEST_F(StopTest, EveryContainerIsAsked) {
  const std::string text = manifest("[/bin/probe, await, \"15\"]") + "  - {name: side, image: " + image() +
                           ", command: [/bin/probe, await, \"15\"]}\n";
  Child child(tank("run", {"-f", write("pod.yaml", text)}));
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "[main] awaiting", seconds(20)));
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "[side] awaiting", seconds(20)));
  child.signal(SIGTERM);
  const Outcome outcome = child.finish(seconds(20));
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_THAT(outcome.out, ::testing::HasSubstr("[main] got 15"));
  EXPECT_THAT(outcome.out, ::testing::HasSubstr("[side] got 15"));
}

TEST_F(StopTest, APodWhoseOwnerVanishedEndsByItself) {
  Child child(pod(kStubborn, "1"));
  const pid_t container = wait_running(child);
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "ready", seconds(20)));
  const sys::PidFd shim = watch(parent_of(container));
  const sys::PidFd workload = watch(container);
  ASSERT_TRUE(shim.is_open());
  ASSERT_TRUE(workload.is_open());
  child.signal(SIGKILL);
  EXPECT_EQ(child.finish(seconds(10)).signum, SIGKILL);
  EXPECT_TRUE(ends(workload, seconds(10)));
  EXPECT_TRUE(ends(shim, seconds(10)));
  const Outcome cleanup = run(tank("cleanup", {}));
  EXPECT_EQ(cleanup.code, 0) << to_string(cleanup);
}

TEST_F(StopTest, TheOwnersDeathIsAnOrderlyStopForTheWorkload) {
  const std::string said = write("said", "");
  // The probe has to be pid 1 itself: a shell would pass nothing on.
  const std::string text = manifest("[/bin/sh, -c, \"exec /bin/probe await 15 > /said\"]",
                                    "    volumeMounts: [{name: said, mountPath: /said}]\n",
                                    "  volumes: [{name: said, hostPath: {path: " + said + "}}]\n");
  Child child(tank("run", {"--events", "-f", write("pod.yaml", text)}));
  const sys::PidFd workload = watch(wait_running(child));
  const auto deadline = std::chrono::steady_clock::now() + seconds(10);
  while (std::filesystem::file_size(said) == 0 && std::chrono::steady_clock::now() < deadline) ::poll(nullptr, 0, 5);
  child.signal(SIGKILL);
  child.finish(seconds(10));
  EXPECT_TRUE(ends(workload, seconds(10)));
  EXPECT_EQ(std::filesystem::file_size(said), std::string_view("awaiting\ngot 15\n").size());
  run(tank("cleanup", {}));
}

}  // namespace
}  // namespace tank::test
