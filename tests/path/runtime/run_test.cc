// The command line of `tank run` as its user meets it: exit codes, what comes out where, standard input, a terminal,
// events, several pods and containers.
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json.hpp>
#include <csignal>

#include "pod_fixture.h"
#include "runtime/bring_up.h"
#include "support/pty.h"

namespace tank::test {
namespace {

namespace json = boost::json;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RunTest : public PodTest {
 protected:
  RunTest() : before_(look()) {}
  void TearDown() override { expect_unchanged(before_); }

  Command shorthand(std::vector<std::string> options, const std::vector<std::string>& words) const {
    options.push_back(image());
    options.insert(options.end(), words.begin(), words.end());
    Command command = tank("run", options);
    command.patience = std::chrono::seconds(30);
    return command;
  }
  Outcome run_words(const std::vector<std::string>& words) const { return run(shorthand({}, words)); }

 private:
  HostSnapshot before_;
};

TEST_F(RunTest, TheExitCodeIsTheContainersOwn) {
  for (const int code : {0, 1, 42, 125, 255}) {
    const Outcome outcome = run_words({"/bin/probe", "exit", std::to_string(code)});
    EXPECT_EQ(outcome.code, code) << to_string(outcome);
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(RunTest, ASignalIs128AndItsNumber) {
  const Outcome outcome = run_manifest(manifest("[/bin/sh, -c, \"sh -c 'kill -9 $$PPID'; echo survived; exit 5\"]"));
  // Pid 1 of a namespace is immune to its children's SIGKILL: the container must not have died of it.
  EXPECT_EQ(outcome.code, 5) << to_string(outcome);

  Child child(shorthand({"--events"}, {"/bin/sleep", "1000"}));
  const auto events = child.wait_for_output(Child::Stream::err, "\"running\"", std::chrono::seconds(20));
  ASSERT_TRUE(events);
  const std::size_t line = events->rfind('\n', events->find("\"running\""));
  const json::value running = json::parse(events->substr(line + 1, events->find('\n', line + 1) - line - 1));
  ASSERT_EQ(::kill(static_cast<pid_t>(running.at("pid").as_int64()), SIGKILL), 0);
  const Outcome killed = child.finish(std::chrono::seconds(10));
  EXPECT_EQ(killed.code, 137) << to_string(killed);
  EXPECT_THAT(killed.err, HasSubstr("\"oom_killed\":false"));
}

TEST_F(RunTest, NotFoundIs127AndNotExecutableIs126) {
  const Outcome missing = run_words({"/bin/no-such-command"});
  EXPECT_EQ(missing.code, 127) << to_string(missing);
  EXPECT_THAT(missing.err, HasSubstr("'/bin/no-such-command'"));
  const Outcome not_in_path = run_words({"no-such-command"});
  EXPECT_EQ(not_in_path.code, 127) << to_string(not_in_path);
  const Outcome not_executable = run_words({"/etc/passwd"});
  EXPECT_EQ(not_executable.code, 126) << to_string(not_executable);
  const Outcome directory = run_words({"/etc"});
  EXPECT_EQ(directory.code, 126) << to_string(directory);
}

TEST_F(RunTest, OurOwnFailureIs125) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {}, {"-f", "/no/such/file"}, {"--no-such-option"}, {"-f", "/x", "image"}}) {
    const Outcome outcome = run(tank("run", arguments));
    EXPECT_EQ(outcome.code, 125) << to_string(outcome);
    EXPECT_NE(outcome.err, "");
  }
}

TEST_F(RunTest, OutputGoesWhereItWasWritten) {
  const Outcome outcome = run_words({"/bin/probe", "print", "to-out", "then", "print-err", "to-err"});
  EXPECT_EQ(outcome.out, "to-out\n");
  EXPECT_EQ(outcome.err, "to-err\n");
}

TEST_F(RunTest, MuchOutputComesWhole) {
  const Outcome outcome = run_words({"/bin/sh", "-c", "yes 0123456 | head -c 3000000; echo end"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.size(), 3000004U);
  EXPECT_TRUE(outcome.out.ends_with("end\n"));
}

TEST_F(RunTest, WordsAfterTheImageAreTheContainers) {
  const Outcome plain = run_words({"/bin/echo", "-t", "--events", "--name", "x", "--", "-f", "$(HOME)", "$HOME"});
  EXPECT_EQ(plain.code, 0) << to_string(plain);
  EXPECT_EQ(plain.out, "-t --events --name x -- -f $(HOME) $HOME\n");
  const Outcome separated = run_words({"--", "/bin/echo", "--help"});
  EXPECT_EQ(separated.code, 0) << to_string(separated);
  EXPECT_EQ(separated.out, "--help\n");
}

TEST_F(RunTest, VariablesOfTheCommandLine) {
  const Outcome outcome =
      run(shorthand({"-e", "ONE=a=b $(TWO)", "-e", "TWO=it's"}, {"/bin/sh", "-c", "echo $ONE $TWO"}));
  EXPECT_EQ(outcome.out, "a=b $(TWO) it's\n") << to_string(outcome);
}

TEST_F(RunTest, AManifestFromStandardInput) {
  Command command = tank("run", {"-f", "-"});
  command.in = manifest("[/bin/echo, from stdin]");
  const Outcome outcome = run(command);
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_EQ(outcome.out, "from stdin\n");
}

TEST_F(RunTest, DirectoriesFromTheEnvironment) {
  Command command;
  command.argv = {tank_program(), "run", "-f", write("pod.yaml", manifest("[/bin/echo, here]"))};
  command.env = {"TANK_DATA_DIR=" + data_dir(), "TANK_RUN_DIR=" + run_dir()};
  const Outcome outcome = run(command);
  EXPECT_EQ(outcome.out, "here\n") << to_string(outcome);
  EXPECT_TRUE(std::filesystem::exists(run_dir() + "/pods"));
}

TEST_F(RunTest, StandardInputReachesTheContainerAndEnds) {
  Command command = shorthand({"-i"}, {"/bin/probe", "cat", "then", "print", "end"});
  command.in = "one\ntwo\n";
  const Outcome outcome = run(command);
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_EQ(outcome.out, "one\ntwo\nend\n");
}

TEST_F(RunTest, MuchInputDoesNotBlockTheOutput) {
  const std::string much = write("much", std::string(3000000, 'x'));
  Command command;
  command.argv = {"/bin/sh", "-c", "exec \"$@\" <" + much, "sh"};
  for (const std::string& word : shorthand({"-i"}, {"/bin/cat"}).argv) command.argv.push_back(word);
  command.patience = std::chrono::seconds(20);
  const Outcome outcome = run(command);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.out.size(), 3000000U);
}

TEST_F(RunTest, AContainerThatDoesNotReadItsInputEnds) {
  Command command = shorthand({"-i"}, {"/bin/probe", "exit", "3"});
  command.in = std::string(60000, 'x');
  const Outcome outcome = run(command);
  EXPECT_EQ(outcome.code, 3) << to_string(outcome);
}

TEST_F(RunTest, WithoutInteractiveStandardInputIsEmpty) {
  Command command = shorthand({}, {"/bin/cat"});
  command.in = "not for you\n";
  const Outcome outcome = run(command);
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_EQ(outcome.out, "");
}

TEST_F(RunTest, ATerminalOfTheContainersOwn) {
  PtyChild child(
      shorthand({"-i", "-t"}, {"/bin/sh", "-c", "stty size; /bin/probe tty; read -r l; echo got $l; exit 4"}).argv, 37,
      91);
  ASSERT_TRUE(child.wait_for("dev_tty", std::chrono::seconds(20))) << child.shown();
  EXPECT_THAT(child.shown(), HasSubstr("\"dev_tty\":\"ok\""));
  EXPECT_THAT(child.shown(), HasSubstr("\"terminal\":1"));
  child.type("hello\r");
  EXPECT_TRUE(child.wait_for("got hello", std::chrono::seconds(20))) << child.shown();
  EXPECT_EQ(child.finish(std::chrono::seconds(20)), 4) << child.shown();
}

TEST_F(RunTest, CtrlCOnATerminalGoesToTheContainer) {
  PtyChild child(
      shorthand({"-i", "-t"}, {"/bin/sh", "-c", "trap 'echo caught; exit 9' INT; echo set; while :; do sleep 1; done"})
          .argv,
      24, 80);
  ASSERT_TRUE(child.wait_for("set", std::chrono::seconds(20))) << child.shown();
  child.type("\x03");
  EXPECT_TRUE(child.wait_for("caught", std::chrono::seconds(20))) << child.shown();
  EXPECT_EQ(child.finish(std::chrono::seconds(20)), 9) << child.shown();
}

TEST_F(RunTest, WhatAShortCommandSaysOnATerminalIsNotLost) {
  for (int i = 0; i < 10; ++i) {
    PtyChild child(shorthand({"-t"}, {"/bin/echo", "brief"}).argv, 24, 80);
    EXPECT_EQ(child.finish(std::chrono::seconds(20)), 0) << child.shown();
    EXPECT_THAT(child.shown(), HasSubstr("brief")) << "round " << i;
  }
}

TEST_F(RunTest, EventsAreOneObjectALineAndTheStepsThoseOfTheTable) {
  const Outcome outcome = run_manifest(manifest("[/bin/true]"), {"--events"});
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  std::vector<std::string> up;
  std::vector<std::string> down;
  std::vector<std::string> told;
  std::istringstream lines(outcome.err);
  for (std::string line; std::getline(lines, line);) {
    const json::value event = json::parse(line);
    EXPECT_EQ(event.at("pod").as_string(), "default/test");
    if (event.at("event").as_string() != "step") {
      told.emplace_back(event.at("event").as_string());
      continue;
    }
    const std::string step(event.at("step").as_string());
    if (event.at("phase").as_string() == "begin") continue;
    EXPECT_GE(event.at("us").as_int64(), 0);
    (event.at("phase").as_string() == "up" ? up : down).push_back(step);
  }
  std::vector<std::string> table;
  for (const runtime::Step& step : runtime::steps()) table.emplace_back(step.name);
  EXPECT_THAT(up, ElementsAreArray(table));
  std::reverse(table.begin(), table.end());
  EXPECT_THAT(down, ElementsAreArray(table));
  EXPECT_THAT(told, ::testing::ElementsAre("running", "exited"));
}

TEST_F(RunTest, SeveralContainersArePrefixedAndTheFirstOneDecides) {
  const std::string text = manifest("[/bin/sh, -c, \"echo one; echo two >&2; printf rest; exit 6\"]") +
                           "  - {name: side, image: " + image() + ", command: [/bin/echo, three]}\n";
  const Outcome outcome = run_manifest(text);
  EXPECT_EQ(outcome.code, 6) << to_string(outcome);
  EXPECT_THAT(outcome.out, HasSubstr("[main] one\n"));
  EXPECT_THAT(outcome.out, HasSubstr("[main] rest\n"));
  EXPECT_THAT(outcome.out, HasSubstr("[side] three\n"));
  EXPECT_EQ(outcome.err, "[main] two\n");
}

TEST_F(RunTest, TwoPodsOfOneFile) {
  std::string second = manifest("[/bin/echo, second]");
  second.replace(second.find("name: test"), 10, "name: other");
  const Outcome outcome = run_manifest(manifest("[/bin/sh, -c, \"echo first; exit 7\"]") + "---\n" + second);
  EXPECT_EQ(outcome.code, 7) << to_string(outcome);
  EXPECT_THAT(outcome.out, HasSubstr("[default/test/main] first\n"));
  EXPECT_THAT(outcome.out, HasSubstr("[default/other/main] second\n"));
}

TEST_F(RunTest, TheSamePodDoesNotRunTwiceAtOnce) {
  Child first(
      tank("run", {"-f", write("first.yaml", manifest("[/bin/sh, -c, \"echo up; cat\"]", "    stdin: true\n"))}));
  ASSERT_TRUE(first.wait_for_output(Child::Stream::out, "up", std::chrono::seconds(20)));
  const Outcome second = run_manifest(manifest("[/bin/true]"));
  EXPECT_EQ(second.code, 125) << to_string(second);
  EXPECT_THAT(second.err, HasSubstr("is running"));
  const Outcome ended = first.finish(std::chrono::seconds(20));
  EXPECT_EQ(ended.code, 0) << to_string(ended);
}

TEST_F(RunTest, AClosedStandardOutputDoesNotStopThePod) {
  Command command;
  command.argv = {"/bin/sh", "-c", "exec \"$@\" >&- 2>&-", "sh"};
  for (const std::string& word : shorthand({}, {"/bin/sh", "-c", "echo lost; exit 8"}).argv)
    command.argv.push_back(word);
  EXPECT_EQ(run(command).code, 8);
}

TEST_F(RunTest, TheImageIsNeverWritten) {
  const std::filesystem::path root = image().substr(7);
  const HostSnapshot seen = capture_host({root});
  const Outcome outcome =
      run_words({"/bin/sh", "-c", "echo x > /etc/new; echo y > /etc/passwd; rm /bin/yes; mkdir /fresh; cat /etc/new"});
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_EQ(outcome.out, "x\n");
  EXPECT_THAT(lasting_differences(seen, {root}), IsEmpty());
}

}  // namespace
}  // namespace tank::test
