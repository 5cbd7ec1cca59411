// Who a workload is and what surrounds it, as the probe reports from inside a pod of `tank run`: namespaces, ids,
// capabilities, the pod's own files in /etc, sysctls, pid 1.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "pod_fixture.h"
#include "support/probe.h"

namespace tank::test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

class IdentityTest : public PodTest {
 protected:
  IdentityTest() : before_(look()) {}
  void TearDown() override { expect_unchanged(before_); }

  /// The value of one line of the report's section status.
  std::string status(const json::value& report, const char* name) const {
    return std::string(report.at("status").at(name).as_string());
  }
  json::value report(const std::string& container_lines, const std::string& spec_lines = "") const {
    const Outcome outcome = run_manifest(manifest("[/bin/probe, report]", container_lines, spec_lines));
    EXPECT_EQ(outcome.code, 0) << to_string(outcome);
    return parse_report(outcome.out);
  }
  std::string annotated(const std::string& annotations, std::string text) const {
    const std::string plain = "metadata: {name: test}";
    return text.replace(text.find(plain), plain.size(), "metadata: {name: test, annotations: {" + annotations + "}}");
  }

 private:
  HostSnapshot before_;
};

TEST_F(IdentityTest, ContainersShareNetIpcAndUtsButNotPidAndMount) {
  const std::string text = manifest("[/bin/probe, report, namespaces, process]") +
                           "  - {name: side, image: " + image() +
                           ", command: [/bin/probe, report, namespaces, process]}\n";
  const Outcome outcome = run_manifest(text);
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  std::map<std::string, json::value> reports;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) reports[line.substr(0, 6)] = parse_report(line.substr(7));
  ASSERT_EQ(reports.size(), 2U) << outcome.out;
  const json::value& main = reports.at("[main]");
  const json::value& side = reports.at("[side]");
  for (const char* name : {"net", "ipc", "uts"}) {
    EXPECT_EQ(main.at("namespaces").at(name), side.at("namespaces").at(name)) << name;
  }
  for (const char* name : {"pid", "mnt", "cgroup"}) {
    EXPECT_NE(main.at("namespaces").at(name), side.at("namespaces").at(name)) << name;
  }
  for (const char* name : {"net", "ipc", "uts", "pid", "mnt", "cgroup"}) {
    const std::string own = std::filesystem::read_symlink(std::string("/proc/self/ns/") + name);
    EXPECT_NE(std::string(main.at("namespaces").at(name).as_string()), own) << name;
  }
  for (const json::value* one : {&main, &side}) {
    EXPECT_EQ(one->at("process").at("pid").as_int64(), 1);
    EXPECT_EQ(one->at("process").at("visible_pids").as_array().size(), 1U);
  }
}

TEST_F(IdentityTest, TheDefaultIsAConfinedRoot) {
  const json::value seen = report("");
  EXPECT_EQ(status(seen, "Uid"), "0 0 0 0");
  EXPECT_EQ(status(seen, "Gid"), "0 0 0 0");
  // Docker's fourteen: chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot
  // mknod audit_write setfcap.
  EXPECT_EQ(status(seen, "CapEff"), "00000000a80425fb");
  EXPECT_EQ(status(seen, "CapBnd"), "00000000a80425fb");
  EXPECT_EQ(status(seen, "CapInh"), "0000000000000000");
  EXPECT_EQ(status(seen, "CapAmb"), "0000000000000000");
  EXPECT_EQ(status(seen, "Seccomp"), "2");
  EXPECT_EQ(status(seen, "SigBlk"), "0000000000000000");
  EXPECT_EQ(status(seen, "SigIgn"), "0000000000000000");
  EXPECT_EQ(seen.at("process").at("umask").as_int64(), 022);
  EXPECT_EQ(seen.at("process").at("cwd").as_string(), "/");
}

TEST_F(IdentityTest, UserAndGroupsOfThePod) {
  const json::value seen = report("",
                                  "  securityContext: {runAsUser: 1000, runAsGroup: 2000, supplementalGroups: [3000, "
                                  "3001], fsGroup: 4000}\n");
  EXPECT_EQ(status(seen, "Uid"), "1000 1000 1000 1000");
  EXPECT_EQ(status(seen, "Gid"), "2000 2000 2000 2000");
  for (const char* group : {"3000", "3001", "4000"})
    EXPECT_THAT(" " + status(seen, "Groups") + " ", HasSubstr(std::string(" ") + group + " "));
  EXPECT_EQ(status(seen, "CapEff"), "0000000000000000");
  EXPECT_EQ(status(seen, "CapPrm"), "0000000000000000");
}

TEST_F(IdentityTest, AContainersOwnContextWins) {
  const json::value seen = report("    securityContext: {runAsUser: 101}\n", "  securityContext: {runAsUser: 1000}\n");
  EXPECT_EQ(status(seen, "Uid"), "101 101 101 101");
  // The primary group and the groups of `web` come from the image's own files.
  EXPECT_EQ(status(seen, "Gid"), "102 102 102 102");
  EXPECT_THAT(status(seen, "Groups"), HasSubstr("103"));
}

TEST_F(IdentityTest, NonRootIsRefusedAsRoot) {
  const Outcome outcome = run_manifest(manifest("[/bin/true]", "    securityContext: {runAsNonRoot: true}\n"));
  EXPECT_EQ(outcome.code, 125) << to_string(outcome);
  EXPECT_THAT(outcome.err, HasSubstr("root"));
}

TEST_F(IdentityTest, CapabilitiesAndPrivileges) {
  const json::value none =
      report("    securityContext: {capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false}\n");
  EXPECT_EQ(status(none, "CapEff"), "0000000000000000");
  EXPECT_EQ(status(none, "CapBnd"), "0000000000000000");
  EXPECT_EQ(status(none, "NoNewPrivs"), "1");
  const json::value one = report("    securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}\n");
  EXPECT_EQ(status(one, "CapEff"), "0000000000000400");
  const json::value open = report("    securityContext: {seccompProfile: {type: Unconfined}}\n");
  EXPECT_EQ(status(open, "Seccomp"), "0");
}

TEST_F(IdentityTest, AReadOnlyRoot) {
  const json::value seen = report("    securityContext: {readOnlyRootFilesystem: true}\n");
  for (const char* path : {"/", "/etc", "/tmp", "/etc/hosts", "/etc/resolv.conf"}) {
    EXPECT_EQ(seen.at("writable").at(path).as_string(), "EROFS") << path;
  }
  EXPECT_EQ(seen.at("writable").at("/dev/shm").as_string(), "yes");
}

TEST_F(IdentityTest, NamesAndEtcFiles) {
  const std::string spec =
      "  hostname: named\n  hostAliases: [{ip: 192.0.2.9, hostnames: [one.example, two]}]\n  dnsPolicy: None\n"
      "  dnsConfig: {nameservers: [192.0.2.53], searches: [a.example, b.example], options: [{name: ndots, value: "
      "\"2\"}, "
      "{name: edns0}]}\n";
  const Outcome outcome =
      run_manifest(manifest("[/bin/sh, -c, \"hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf\"]", "", spec));
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_TRUE(outcome.out.starts_with("named\nnamed\n")) << outcome.out;
  EXPECT_THAT(outcome.out, HasSubstr("127.0.0.1\tlocalhost\n"));
  EXPECT_THAT(outcome.out, HasSubstr("192.0.2.9\tone.example two\n"));
  EXPECT_TRUE(outcome.out.ends_with("nameserver 192.0.2.53\nsearch a.example b.example\noptions ndots:2 edns0\n"))
      << outcome.out;
}

TEST_F(IdentityTest, SysctlsOfThePodsOwnNamespaces) {
  const Outcome outcome = run_manifest(
      manifest("[/bin/cat, /proc/sys/net/ipv4/ip_unprivileged_port_start, /proc/sys/kernel/shm_rmid_forced]", "",
               "  securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: \"81\"}, "
               "{name: kernel.shm_rmid_forced, value: \"1\"}]}\n"));
  EXPECT_EQ(outcome.out, "81\n1\n") << to_string(outcome);
  const Outcome machine = run_manifest(
      manifest("[/bin/true]", "", "  securityContext: {sysctls: [{name: vm.swappiness, value: \"1\"}]}\n"));
  EXPECT_EQ(machine.code, 125) << to_string(machine);
}

TEST_F(IdentityTest, TheInitReapsOrphans) {
  const std::string command =
      "[/bin/sh, -c, \"/bin/probe orphan > /tmp/said; p=$$(cut -d' ' -f2 /tmp/said 2>/dev/null || /bin/busybox cut -d' "
      "' "
      "-f2 /tmp/said); while test -e /proc/$$p; do sleep 0.01; done; echo reaped\"]";
  const Outcome outcome = run_manifest(annotated("tank/init: \"true\"", manifest(command)));
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_EQ(outcome.out, "reaped\n");
}

TEST_F(IdentityTest, TheInitPassesSignalsAndTheExitCodeOn) {
  const std::string text = annotated("tank/init: \"true\"", manifest("[/bin/probe, await, \"15\", then, exit, \"5\"]"));
  Child child(tank("run", {"-f", write("pod.yaml", text)}));
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "awaiting", std::chrono::seconds(20)));
  child.signal(SIGTERM);
  const Outcome outcome = child.finish(std::chrono::seconds(20));
  EXPECT_EQ(outcome.code, 5) << to_string(outcome);
  EXPECT_EQ(outcome.out, "awaiting\ngot 15\n");
}

TEST_F(IdentityTest, VariablesOfTheManifest) {
  const Outcome outcome =
      run_manifest(manifest("[/bin/echo, $(GREETING), $$(NAME), $(NOBODY)]",
                            "    env: [{name: NAME, value: you}, {name: GREETING, value: hello $(NAME)}]\n"));
  EXPECT_EQ(outcome.out, "hello you $(NAME) $(NOBODY)\n") << to_string(outcome);
}

}  // namespace
}  // namespace tank::test
