// Tank as a library: the example program, and several Runtimes in one process with their events, queries, terminals,
// and an owner that goes and comes back.
#include <gmock/gmock.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <mutex>

#include "pod_fixture.h"
#include "tank/manifest.h"
#include "tank/runtime.h"

namespace tank::test {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What an owner heard, as words, and a way to wait for more.
class Ear {
 public:
  void hear(const Event& event) {
    struct Words {
      std::string operator()(const Running&) const { return "running"; }
      std::string operator()(const Exited& one) const { return "exited " + std::to_string(one.code); }
      std::string operator()(const Signaled& one) const { return "signaled " + std::to_string(one.signum); }
      std::string operator()(const Failed&) const { return "failed"; }
    };
    const std::lock_guard lock(mutex_);
    heard_.push_back(event.pod + "/" + event.container + " " + std::visit(Words{}, event.what));
    changed_.notify_all();
  }
  bool wait_for(const std::string& word) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(20),
                             [&] { return std::find(heard_.begin(), heard_.end(), word) != heard_.end(); });
  }
  std::vector<std::string> heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> heard_;
};

class EmbedTest : public PodTest {
 protected:
  EmbedTest() : before_(look()) {}
  void TearDown() override { expect_unchanged(before_); }

  Pod pod(const std::string& name, const std::string& command, const std::string& container_lines = "") const {
    const Manifest parsed = parse_manifests(manifest(command, container_lines), "test");
    for (const Finding& finding : parsed.errors) ADD_FAILURE() << to_string(finding);
    Pod made = parsed.pods.at(0);
    made.name = name;
    return made;
  }
  RuntimeOptions options(Ear& ear) const {
    RuntimeOptions options;
    options.data_dir = data_dir();
    options.run_dir = run_dir();
    options.shim = shim_program();
    options.owner = [&ear](const Event& event) { ear.hear(event); };
    return options;
  }
  static std::unique_ptr<Runtime> started(Result<std::unique_ptr<Runtime>> runtime) {
    if (!runtime) throw std::runtime_error(to_string(runtime.error()));
    return std::move(*runtime);
  }
  template <typename T>
  static Kind kind_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? Kind::bug : result.error().kind();
  }

 private:
  HostSnapshot before_;
};

TEST_F(EmbedTest, TheExampleProgram) {
  Command command;
  command.argv = {build_dir() / "bin/embed", write("pod.yaml", manifest("[/bin/true]")), data_dir(), run_dir()};
  const Outcome good = run(command);
  EXPECT_EQ(good.code, 0) << to_string(good);
  EXPECT_THAT(good.out, HasSubstr("event: default/test/main: running, pid "));
  EXPECT_THAT(good.out, HasSubstr("event: default/test/main: exited 0\n"));
  EXPECT_TRUE(good.out.ends_with("stopped: normal\n")) << good.out;

  write("pod.yaml", manifest("[/bin/false]"));
  const Outcome bad = run(command);
  EXPECT_EQ(bad.code, 1);
  EXPECT_TRUE(bad.out.ends_with("stopped: exited 1\n")) << to_string(bad);
}

TEST_F(EmbedTest, TwoPodsInOneProcess) {
  Ear ear;
  auto one = started(Runtime::start(pod("one", "[/bin/probe, await, \"15\", then, exit, \"4\"]"), options(ear)));
  auto two = started(Runtime::start(pod("two", "[/bin/probe, await, \"15\", then, sleep]"), options(ear)));
  ASSERT_TRUE(ear.wait_for("default/one/main running"));
  ASSERT_TRUE(ear.wait_for("default/two/main running"));
  EXPECT_NE(one->uid(), two->uid());

  const auto first = one->host_pid();
  const auto second = two->host_pid("main");
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(::kill(*first, 0), 0);
  EXPECT_EQ(kind_of(one->host_pid("nobody")), Kind::not_found);
  EXPECT_EQ(kind_of(Runtime::start(pod("one", "[/bin/true]"), options(ear))), Kind::busy);

  two->stop(std::chrono::milliseconds(0));
  EXPECT_EQ(to_string(two->wait()), "killed by signal 9");
  EXPECT_EQ(kind_of(two->host_pid()), Kind::not_running);
  EXPECT_EQ(::kill(*first, 0), 0);

  one->stop(std::chrono::milliseconds(0));
  one->wait();
  const std::string end = to_string(one->wait());  // may be asked again
  EXPECT_TRUE(end == "killed by signal 9" || end == "exited 4") << end;
}

TEST_F(EmbedTest, EventsComeInOrderAndOnce) {
  Ear ear;
  Pod both = pod("both", "[/bin/probe, exit, \"0\"]");
  both.containers.push_back(both.containers[0]);
  both.containers[1].name = "side";
  both.containers[1].command = {"/bin/probe", "exit", "3"};
  auto runtime = started(Runtime::start(both, options(ear)));
  EXPECT_EQ(to_string(runtime->wait()), "exited 3");
  const std::vector<std::string> heard = ear.heard();
  EXPECT_THAT(heard, ::testing::UnorderedElementsAre("default/both/main running", "default/both/main exited 0",
                                                     "default/both/side running", "default/both/side exited 3"));
  for (const std::string& name : std::vector<std::string>{"main exited 0", "side exited 3"}) {
    const auto end = std::find(heard.begin(), heard.end(), "default/both/" + name);
    EXPECT_NE(std::find(heard.begin(), end, "default/both/" + name.substr(0, 4) + " running"), end) << name;
  }
}

TEST_F(EmbedTest, WhatEnteringNeeds) {
  Ear ear;
  auto runtime = started(Runtime::start(
      pod("enter", "[/bin/probe, sleep]", "    workingDir: /tmp\n    env: [{name: COLOUR, value: green}]\n"),
      options(ear)));
  ASSERT_TRUE(ear.wait_for("default/enter/main running"));
  const auto context = runtime->exec_context();
  ASSERT_TRUE(context);
  EXPECT_EQ(context->working_dir, "/tmp");
  EXPECT_THAT(context->env, ::testing::Contains("COLOUR=green"));
  EXPECT_EQ(context->host_pid, *runtime->host_pid());
  EXPECT_EQ(kind_of(runtime->begin_attach()), Kind::not_a_tty);
  EXPECT_EQ(kind_of(runtime->begin_attach("nobody")), Kind::not_found);
  runtime->end_attach("nobody");
}

TEST_F(EmbedTest, ATerminalIsTakenByOneAtATime) {
  Ear ear;
  auto runtime = started(Runtime::start(pod("seat", "[/bin/cat]", "    tty: true\n    stdin: true\n"), options(ear)));
  ASSERT_TRUE(ear.wait_for("default/seat/main running"));
  const auto master = runtime->begin_attach();
  ASSERT_TRUE(master);
  EXPECT_EQ(kind_of(runtime->begin_attach()), Kind::attached);
  ASSERT_EQ(::write(*master, "hi\n", 3), 3);
  std::string echoed;
  char byte = 0;
  // The line as typed, and once more from cat.
  while (std::count(echoed.begin(), echoed.end(), '\n') < 2 && ::read(*master, &byte, 1) == 1) echoed += byte;
  EXPECT_EQ(echoed, "hi\r\nhi\r\n");
  ::close(*master);
  runtime->end_attach();
  const auto again = runtime->begin_attach();
  ASSERT_TRUE(again);
  ::close(*again);
  runtime->end_attach();
  runtime->stop(std::chrono::milliseconds(0));
  runtime->wait();
  // What it said last can still be read.
  const auto last = runtime->begin_attach();
  ASSERT_TRUE(last);
  ::close(*last);
}

TEST_F(EmbedTest, ItsEndTakesThePodAlong) {
  Ear ear;
  pid_t container = 0;
  {
    auto runtime = started(Runtime::start(pod("short", "[/bin/probe, sleep]"), options(ear)));
    ASSERT_TRUE(ear.wait_for("default/short/main running"));
    container = *runtime->host_pid();
  }
  EXPECT_EQ(::kill(container, 0), -1);
}

TEST_F(EmbedTest, StoppedBeforeItIsUp) {
  Ear ear;
  RuntimeOptions with_stop = options(ear);
  auto runtime = started(Runtime::start(pod("early", "[/bin/probe, sleep]"), with_stop));
  runtime->stop();
  const std::string end = to_string(runtime->wait());
  EXPECT_TRUE(end.starts_with("killed by signal ") || end.find("stopped before it was up") != std::string::npos) << end;
}

TEST_F(EmbedTest, AnOwnerThatComesBackLearnsTheExitCode) {
  Ear ear;
  RuntimeOptions keeping = options(ear);
  keeping.owner_loss = OwnerLoss::keep_running;
  const Pod kept = pod("kept", "[/bin/probe, await, \"10\", then, exit, \"6\"]");
  pid_t container = 0;
  {
    auto first = started(Runtime::start(kept, keeping));
    ASSERT_TRUE(ear.wait_for("default/kept/main running"));
    container = *first->host_pid();
    first->detach();
    EXPECT_TRUE(std::holds_alternative<Abnormal>(first->wait()));
  }
  EXPECT_EQ(::kill(container, 0), 0) << "the pod went with its owner";
  // Nobody but a new owner may take it down.
  EXPECT_TRUE(clean_up(data_dir(), run_dir()).removed.empty());
  EXPECT_EQ(::kill(container, 0), 0);
  ASSERT_EQ(::kill(container, SIGUSR1), 0);

  Ear second_ear;
  RuntimeOptions again = options(second_ear);
  again.owner_loss = OwnerLoss::keep_running;
  auto second = started(Runtime::reconnect(kept, again));
  EXPECT_EQ(to_string(second->wait()), "exited 6");
  EXPECT_EQ(second_ear.heard().back(), "default/kept/main exited 6");
}

TEST_F(EmbedTest, NothingToComeBackTo) {
  Ear ear;
  EXPECT_EQ(kind_of(Runtime::reconnect(pod("nobody", "[/bin/true]"), options(ear))), Kind::not_found);
}

}  // namespace
}  // namespace tank::test
