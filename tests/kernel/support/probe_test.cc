// What the probe says about namespaces and limits it is put in by hand, before anybody trusts what it says under Tank.
#include "support/probe.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <csignal>

#include "support/process.h"
#include "support/temp_dir.h"

namespace tank::test {
namespace {

Command probe(std::vector<std::string> words) {
  Command command;
  command.argv = std::move(words);
  command.argv.insert(command.argv.begin(), probe_program());
  return command;
}

TEST(Probe, RunsInABareRootAndSeesOnlyThat) {
  const TempDir directory;
  make_probe_root(directory.path());
  const Outcome outcome = run({"chroot", directory.path(), "/bin/probe", "report", "mounts", "process"});
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  const boost::json::value report = parse_report(outcome.out);
  EXPECT_EQ(report.at("process").at("cwd").as_string(), "/");
  EXPECT_TRUE(report.at("mounts").as_array().empty()) << "there is no /proc in a bare root";
}

TEST(Probe, KeepsEmptyAndOddArguments) {
  Command command = probe({"report", "process", "", "a\nb", "\xff\""});
  command.env = {"ODD=x=y"};
  const boost::json::value report = parse_report(run(command).out);
  const boost::json::array& argv = report.at("process").at("argv").as_array();
  ASSERT_EQ(argv.size(), 6U);
  EXPECT_EQ(argv[3].as_string(), "");
  EXPECT_EQ(argv[4].as_string(), "a\nb");
  EXPECT_EQ(argv[5].as_string(), "\u00ff\"");
  EXPECT_EQ(report.at("process").at("env").as_array().at(0).as_string(), "ODD=x=y");
}

TEST(Probe, ReportsIdsCapabilitiesAndPrivilegesAsTheKernelDoes) {
  const Outcome outcome = run({"setpriv", "--reuid=1000", "--regid=1001", "--groups=29,44", "--bounding-set=-all",
                               "--inh-caps=-all", "--no-new-privs", probe_program(), "report", "status"});
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  const boost::json::value status = parse_report(outcome.out).at("status");
  EXPECT_EQ(status.at("Uid").as_string(), "1000 1000 1000 1000");
  EXPECT_EQ(status.at("Gid").as_string(), "1001 1001 1001 1001");
  EXPECT_EQ(status.at("Groups").as_string(), "29 44");
  EXPECT_EQ(status.at("CapBnd").as_string(), "0000000000000000");
  EXPECT_EQ(status.at("CapEff").as_string(), "0000000000000000");
  EXPECT_EQ(status.at("NoNewPrivs").as_string(), "1");
}

TEST(Probe, ReportsADescriptorItInherited) {
  const Outcome plain = run(probe({"report", "fds"}));
  EXPECT_EQ(parse_report(plain.out).at("fds").as_object().size(), 3U) << plain.out;
  const Outcome leaked = run({"sh", "-c", "exec \"$0\" report fds 7</dev/zero", probe_program()});
  EXPECT_EQ(parse_report(leaked.out).at("fds").at("7").as_string(), "/dev/zero");
}

TEST(Probe, ReportsTheInterfacesOfItsNetworkNamespace) {
  const Outcome outcome = run({"unshare", "--net", probe_program(), "report", "interfaces"});
  const boost::json::value interfaces = parse_report(outcome.out).at("interfaces");
  EXPECT_EQ(interfaces.at(0).at("name").as_string(), "lo");
  EXPECT_EQ(interfaces.at(0).at("up").as_int64(), 0);
}

TEST(Probe, EndsAsItIsTold) {
  EXPECT_EQ(run(probe({"print", "a", "then", "exit", "3", "then", "print", "b"})).code, 3);
  EXPECT_EQ(run(probe({"print", "a", "then", "exit", "3", "then", "print", "b"})).out, "a\n");
  EXPECT_EQ(run(probe({"signal", "9"})).signum, 9);
  EXPECT_EQ(run(probe({"no-such-verb"})).code, 64);
  EXPECT_EQ(run(probe({"exit"})).code, 64);
  EXPECT_EQ(run(probe({"print", "a", "then"})).code, 64);
}

TEST(Probe, ReadsWritesAndSaysWhyNot) {
  const TempDir directory;
  const std::string file = directory / "file";
  EXPECT_EQ(run(probe({"write", file, "text", "then", "read", file})).out, "text");
  const Outcome missing = run(probe({"read", file + "/below", "then", "print", "not reached"}));
  EXPECT_EQ(missing.code, 1);
  EXPECT_EQ(missing.err, "opening " + file + "/below: ENOTDIR\n");
  EXPECT_EQ(run(probe({"open", file + "/below", "w", "then", "open", file, "w"})).out, "ENOTDIR\nok\n");
}

TEST(Probe, IgnoresAndAwaitsSignals) {
  using namespace std::chrono_literals;
  Child child(probe({"ignore", "15", "then", "await", "10"}));
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "awaiting\n", 10s));
  child.signal(SIGTERM);
  child.signal(SIGUSR1);
  const Outcome outcome = child.finish(10s);
  EXPECT_EQ(outcome.out, "awaiting\ngot 10\n");
  EXPECT_EQ(outcome.code, 0);
}

TEST(Probe, TalksOverTcp) {
  using namespace std::chrono_literals;
  for (const char* address : {"127.0.0.1", "::1"}) {
    Child server(probe({"listen", address, "0"}));
    const auto said = server.wait_for_output(Child::Stream::out, "\n", 10s);
    ASSERT_TRUE(said) << to_string(server.finish(0ms));
    const std::string port = said->substr(said->find(' ') + 1, said->find('\n') - said->find(' ') - 1);
    EXPECT_EQ(run(probe({"connect", address, port, "hello"})).out, "hello\n");
    EXPECT_EQ(server.finish(10s).code, 0);
  }
}

}  // namespace
}  // namespace tank::test
