// Images, callers and circumstances that mean harm or are merely broken: nothing reaches the host, and each gives one
// clear error, the right exit code and a clean run directory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "pod_events.h"
#include "pod_fixture.h"
#include "support/image_builder.h"
#include "support/probe.h"

namespace tank::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HostileTest : public PodTest {
 protected:
  HostileTest() : root_(image().substr(7)), outside_(root_.parent_path() / "outside") {
    fs::create_directories(outside_);
    write("outside/hosts", "of the host\n");
    write("outside/marker", "of the host\n");
    before_ = look();
    outside_before_ = capture_host({outside_});
  }
  void TearDown() override {
    expect_unchanged(before_);
    EXPECT_THAT(lasting_differences(outside_before_, {outside_}), IsEmpty());
    std::ifstream hosts(outside_ / "hosts");
    std::string line;
    std::getline(hosts, line);
    EXPECT_EQ(line, "of the host");
  }

  void replace(const std::string& name, const fs::path& target) const {
    fs::remove_all(root_ / name);
    fs::create_symlink(target, root_ / name);
  }
  /// One line of ours on stderr, the last one: before it there may be the progress of a pull.
  static void expect_one_error(const Outcome& outcome, const std::string& about) {
    EXPECT_EQ(outcome.code, 125) << to_string(outcome);
    EXPECT_EQ(outcome.out, "");
    const std::string lines = "\n" + outcome.err;
    const std::size_t ours = lines.find("\ntank: ");
    ASSERT_NE(ours, std::string::npos) << outcome.err;
    EXPECT_EQ(lines.find('\n', ours + 1), lines.size() - 1) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(about));
  }

  const fs::path root_;
  const fs::path outside_;

 private:
  HostSnapshot before_;
  HostSnapshot outside_before_;
};

struct Trap {
  std::string directory;
  bool relative;
};

class SymlinkTrap : public HostileTest, public ::testing::WithParamInterface<Trap> {};

TEST_P(SymlinkTrap, TheHostIsOutOfReach) {
  const Trap& trap = GetParam();
  replace(trap.directory, trap.relative ? fs::path("../../../../../../../..") / outside_.relative_path() : outside_);
  const Outcome outcome = run_manifest(manifest("[/bin/probe, report, mounts]"));
  // Either it is contained or it is refused; TearDown looks at the host.
  if (outcome.code == 0) {
    const json::value report = parse_report(outcome.out);
    for (const json::value& mount : report.at("mounts").as_array()) {
      EXPECT_NE(std::string(mount.at("root").as_string()), outside_.native());
    }
  } else {
    expect_one_error(outcome, "/");
  }
}

INSTANTIATE_TEST_SUITE_P(Each, SymlinkTrap,
                         ::testing::Values(Trap{"etc", false}, Trap{"etc", true}, Trap{"dev", false}, Trap{"dev", true},
                                           Trap{"proc", false}, Trap{"proc", true}, Trap{"sys", false},
                                           Trap{"sys", true}));

TEST_F(HostileTest, AFileOfEtcThatPointsOutIsNotFollowed) {
  fs::create_symlink(outside_ / "hosts", root_ / "etc/hosts");
  fs::create_symlink("../../../../../.." / (outside_ / "marker").relative_path(), root_ / "etc/resolv.conf");
  const Outcome outcome =
      run_manifest(manifest("[/bin/sh, -c, \"echo evil > /etc/hosts; echo evil > /etc/resolv.conf\"]"));
  if (outcome.code == 125) expect_one_error(outcome, "/etc/");
}

TEST_F(HostileTest, AVolumesMountPointThatPointsOutIsNotFollowed) {
  replace("tmp", outside_);
  const Outcome outcome =
      run_manifest(manifest("[/bin/touch, /tmp/new/evil]", "    volumeMounts: [{name: v, mountPath: /tmp/new}]\n",
                            "  volumes: [{name: v, emptyDir: {}}]\n"));
  if (outcome.code == 125) expect_one_error(outcome, "/tmp");
}

TEST_F(HostileTest, AWorkingDirectoryCannotLeadOut) {
  fs::create_symlink("../../../../../../.." / outside_.relative_path(), root_ / "way-out");
  for (const char* place : {"/way-out", "/proc/self/fd/3", "/proc/self/fd/7", "/proc/1/root/../../.."}) {
    const Outcome outcome = run_manifest(manifest(
        "[/bin/probe, open, marker, r, then, open, ../../../../../../../../.dockerenv, r, then, report, process]",
        std::string("    workingDir: ") + place + "\n"));
    EXPECT_THAT(outcome.out, ::testing::Not(HasSubstr("ok\n"))) << place;
    if (outcome.code == 0) {
      // getcwd(2) says "(unreachable)" of a directory outside the root (CVE-2024-21626).
      EXPECT_THAT(outcome.out, ::testing::Not(HasSubstr("unreachable"))) << place;
    } else {
      EXPECT_GE(outcome.code, 125) << to_string(outcome);
    }
  }
}

TEST_F(HostileTest, WhatTheKernelTellsTooMuchOfIsMasked) {
  const Outcome outcome = run_manifest(manifest("[/bin/probe, report, readable, writable]"));
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  const json::value report = parse_report(outcome.out);
  for (const char* path : {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/sys/firmware"}) {
    const std::string answer(report.at("readable").at(path).as_string());
    EXPECT_TRUE(answer == "empty" || answer == "empty directory" || answer == "ENOENT") << path << ": " << answer;
  }
  for (const char* path : {"/proc/sysrq-trigger", "/proc/sys/kernel/hostname", "/proc/irq", "/proc/bus", "/sys",
                           "/sys/kernel", "/sys/fs/cgroup"}) {
    const std::string answer(report.at("writable").at(path).as_string());
    EXPECT_TRUE(answer == "EROFS" || answer == "ENOENT") << path << ": " << answer;
  }
}

TEST_F(HostileTest, TheProgramOfTheShimCannotBeWritten) {
  std::string text =
      manifest("[/bin/probe, open, /proc/1/exe, rw, then, open, /proc/1/exe, w, then, print, ready, then, sleep]");
  const std::string plain = "metadata: {name: test}";
  text.replace(text.find(plain), plain.size(), "metadata: {name: test, annotations: {tank/init: \"true\"}}");
  Child child(tank("run", {"--events", "-f", write("pod.yaml", text)}));
  const pid_t container = wait_running(child);
  const auto said = child.wait_for_output(Child::Stream::out, "ready", seconds(20));
  ASSERT_TRUE(said);
  EXPECT_THAT(*said, ::testing::Not(HasSubstr("ok\n")));
  // Even the host's root cannot, by the name that a container could reach.
  const std::string exe = "/proc/" + std::to_string(parent_of(container)) + "/exe";
  EXPECT_LT(::open(exe.c_str(), O_RDWR | O_CLOEXEC), 0);
  // ETXTBSY comes first while it runs; what holds afterwards too is the read-only mount it runs from.
  struct statvfs mount {};
  ASSERT_EQ(::statvfs(exe.c_str(), &mount), 0);
  EXPECT_NE(mount.f_flag & ST_RDONLY, 0U);
  child.signal(SIGTERM);
  child.signal(SIGINT);
  child.finish(seconds(40));
}

TEST_F(HostileTest, DescriptorsOfTheCallerStayOutside) {
  Command command;
  command.argv = {"/bin/bash", "-c", "for n in {3..20}; do eval \"exec $n</etc/passwd\"; done; exec \"$@\"", "bash"};
  for (const std::string& word : tank("run", {image(), "/bin/probe", "report", "fds"}).argv)
    command.argv.push_back(word);
  const Outcome outcome = run(command);
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  const json::value report = parse_report(outcome.out);
  for (const auto& [number, target] : report.at("fds").as_object()) {
    EXPECT_LT(std::stoi(std::string(number)), 3) << number << " is " << target;
  }
}

TEST_F(HostileTest, AnUnknownUser) {
  ImageBuilder builder;
  builder.layer_from_directory(root_).user("nobody-here").cmd({"/bin/true"});
  const std::string layout = root_.parent_path() / "layout";
  builder.write_layout(layout, "v1");
  expect_one_error(run(tank("run", {"oci:" + layout + ":v1"})), "nobody-here");
}

TEST_F(HostileTest, AnImageThatNamesNoCommand) { expect_one_error(run(tank("run", {image()})), "no command"); }

TEST_F(HostileTest, BadManifests) {
  for (const char* text :
       {"", "just words", "a: [1", "kind: Pod", "apiVersion: v1\nkind: Deployment\n", "\xff\xfe\x01"}) {
    const Outcome outcome = run_manifest(text);
    EXPECT_EQ(outcome.code, 125) << text << ": " << to_string(outcome);
    EXPECT_TRUE(outcome.err.starts_with("tank: ")) << outcome.err;
  }
  const Outcome outcome = run_manifest(manifest("[/bin/true]", "    comand: [x]\n    tty: 7\n"));
  EXPECT_EQ(outcome.code, 125);
  EXPECT_THAT(outcome.err, HasSubstr("comand"));
  EXPECT_THAT(outcome.err, HasSubstr("command"));
  EXPECT_THAT(outcome.err, HasSubstr("tty"));
}

TEST_F(HostileTest, BadReferences) {
  for (const char* reference : {"UPPER", "a b", "-", "x@sha256:12", "oci:/no/such/layout:v1", "rootfs:/no/such/root",
                                "docker-archive:/etc/passwd"}) {
    expect_one_error(run(tank("run", {"--name", "bad", reference, "/bin/true"})), "");
  }
}

TEST_F(HostileTest, AnImageThatIsNotHereAndMayNotBePulled) {
  expect_one_error(run(tank("run", {"--pull", "Never", "127.0.0.1:1/never:here", "/bin/true"})),
                   "127.0.0.1:1/never:here");
}

TEST_F(HostileTest, ARegistryThatIsNotThere) {
  expect_one_error(run(tank("run", {"127.0.0.1:1/nobody:home", "/bin/true"})), "127.0.0.1:1");
}

TEST_F(HostileTest, AFullDisk) {
  ImageBuilder builder;
  builder.layer_from_directory(root_).cmd({"/bin/true"});
  const std::string layout = root_.parent_path() / "layout";
  builder.write_layout(layout, "v1");
  for (const char* size : {"16k", "512k"}) {
    Command command;
    // The mount lives and dies in a mount namespace of the command's own.
    command.argv = {"unshare",
                    "-m",
                    "/bin/sh",
                    "-c",
                    std::string("mount -t tmpfs -o size=") + size + " tmpfs \"$0\" && exec \"$@\"",
                    data_dir()};
    for (const std::string& word : tank("run", {"oci:" + layout + ":v1"}).argv) command.argv.push_back(word);
    const Outcome outcome = run(command);
    expect_one_error(outcome, "No space left");
  }
}

TEST_F(HostileTest, AFullDiskUnderTheWorkloadIsItsOwnError) {
  Command command;
  command.argv = {"unshare", "-m", "/bin/sh", "-c", "mount -t tmpfs -o size=256k tmpfs \"$0\" && exec \"$@\"",
                  data_dir()};
  for (const std::string& word :
       tank("run", {image(), "/bin/sh", "-c", "dd if=/dev/zero of=/big bs=1024 count=1024 2>/dev/null || exit 9"})
           .argv) {
    command.argv.push_back(word);
  }
  const Outcome outcome = run(command);
  EXPECT_EQ(outcome.code, 9) << to_string(outcome);
}

}  // namespace
}  // namespace tank::test
