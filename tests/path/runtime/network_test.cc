// A pod's network seen from within: nothing but loopback, the host's own, or interfaces on a link of the host. The host
// here is a network namespace of the test's own with one veth pair.
#include <gmock/gmock.h>
#include <sched.h>

#include "pod_events.h"
#include "pod_fixture.h"
#include "support/probe.h"
#include "sys/namespace.h"

namespace tank::test {
namespace {

namespace json = boost::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

Outcome ip(const std::vector<std::string>& words) {
  Command command;
  command.argv = {"ip"};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  return run(command);
}

/// A fresh network namespace for this thread, and what it starts, until this goes.
class OwnNetwork {
 public:
  OwnNetwork() : home_(std::move(*sys::open_own_netns())) {
    if (::unshare(CLONE_NEWNET) < 0) throw std::runtime_error("no network namespace");
  }
  ~OwnNetwork() { ::setns(home_.get(), CLONE_NEWNET); }
  OwnNetwork(const OwnNetwork&) = delete;
  OwnNetwork& operator=(const OwnNetwork&) = delete;

 private:
  sys::NetnsFd home_;
};

class PodNetworkTest : public PodTest {
 protected:
  PodNetworkTest() {
    // No link-local addresses, which the kernel would add a moment later.
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"link", "set", "lo", "up"},
                                               {"link", "add", "parent0", "type", "veth", "peer", "name", "peer0"},
                                               {"link", "set", "parent0", "addrgenmode", "none"},
                                               {"link", "set", "peer0", "addrgenmode", "none"},
                                               {"link", "set", "parent0", "up"},
                                               {"link", "set", "peer0", "up"}}) {
      const Outcome outcome = ip(words);
      EXPECT_EQ(outcome.code, 0) << to_string(outcome);
    }
    before_ = look();
  }
  void TearDown() override { expect_unchanged(before_); }

  static std::string definition(const std::string& master) {
    return "apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: lan}\nspec:\n"
           "  config: '{\"cniVersion\": \"1.0.0\", \"type\": \"macvlan\", \"master\": \"" +
           master +
           "\", \"mode\": \"bridge\", \"capabilities\": {\"ips\": true, \"mac\": true},"
           " \"ipam\": {\"type\": \"static\"}, \"dns\": {\"nameservers\": [\"192.0.2.53\"]}}'\n---\n";
  }
  /// A pod that is attached to lan as `attachment` (a JSON object's inner part) says.
  std::string attached(const std::string& name, const std::string& attachment, const std::string& command) const {
    std::string text = manifest(command);
    const std::string plain = "metadata: {name: test}";
    return text.replace(text.find(plain), plain.size(),
                        "metadata:\n  name: " + name +
                            "\n  annotations:\n    k8s.v1.cni.cncf.io/networks: '[{\"name\": \"lan\"" + attachment +
                            "}]'");
  }

  static json::object interface_named(const json::value& report, std::string_view name) {
    for (const json::value& one : report.at("interfaces").as_array()) {
      if (one.at("name").as_string() == json::string_view(name.data(), name.size())) return one.as_object();
    }
    ADD_FAILURE() << "no interface " << name << " in " << report;
    return {};
  }
  static std::vector<std::string> strings(const json::value& list) {
    std::vector<std::string> out;
    for (const json::value& one : list.as_array()) out.emplace_back(one.as_string());
    return out;
  }
  static std::vector<std::string> names(const json::value& report) {
    std::vector<std::string> out;
    for (const json::value& one : report.at("interfaces").as_array()) out.emplace_back(one.at("name").as_string());
    return out;
  }

 private:
  OwnNetwork network_;
  HostSnapshot before_;
};

TEST_F(PodNetworkTest, WithoutANetworkOnlyLoopbackIsThere) {
  const Outcome outcome = run_manifest(manifest("[/bin/probe, report, interfaces, routes]"));
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  const json::value report = parse_report(outcome.out);
  EXPECT_THAT(names(report), ElementsAre("lo"));
  const json::object lo = interface_named(report, "lo");
  EXPECT_EQ(lo.at("up").as_int64(), 1);
  EXPECT_THAT(strings(lo.at("addresses")), Contains("127.0.0.1 mask 255.0.0.0"));
}

TEST_F(PodNetworkTest, TheHostsNetworkIsSharedWhenAskedFor) {
  const Outcome outcome =
      run_manifest(manifest("[/bin/probe, report, interfaces, namespaces]", "", "  hostNetwork: true\n"));
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  const json::value report = parse_report(outcome.out);
  EXPECT_THAT(names(report), UnorderedElementsAre("lo", "parent0", "peer0"));
  EXPECT_EQ(std::string(report.at("namespaces").at("net").as_string()),
            std::filesystem::read_symlink("/proc/thread-self/ns/net").native());
}

TEST_F(PodNetworkTest, AnInterfaceAsTheAnnotationSays) {
  const std::string attachment =
      ", \"interface\": \"lan0\", \"mac\": \"02:00:00:00:00:20\", \"ips\": [\"192.0.2.20/24\", \"2001:db8::20/64\"],"
      " \"default-route\": [\"192.0.2.1\"]";
  const Outcome outcome =
      run_manifest(definition("parent0") +
                   attached("test", attachment,
                            "[/bin/probe, report, interfaces, routes, then, read, /etc/resolv.conf, then, read, "
                            "/etc/hosts]"));
  ASSERT_EQ(outcome.code, 0) << to_string(outcome);
  const json::value report = parse_report(outcome.out);
  EXPECT_THAT(names(report), UnorderedElementsAre("lo", "lan0"));
  const json::object lan = interface_named(report, "lan0");
  EXPECT_EQ(lan.at("up").as_int64(), 1);
  EXPECT_EQ(lan.at("mac").as_string(), "02:00:00:00:00:20");
  EXPECT_THAT(strings(lan.at("addresses")), Contains("192.0.2.20 mask 255.255.255.0"));
  EXPECT_THAT(strings(lan.at("addresses")), Contains("2001:db8::20 mask ffff:ffff:ffff:ffff::"));
  // proc_net(5): addresses as little-endian words, 192.0.2.1 is 010200C0.
  EXPECT_THAT(strings(report.at("routes")), Contains(HasSubstr("lan0 00000000 010200C0")));
  EXPECT_THAT(outcome.out, HasSubstr("nameserver 192.0.2.53\n"));
  EXPECT_THAT(outcome.out, HasSubstr("192.0.2.20\ttest\n"));
}

TEST_F(PodNetworkTest, TwoPodsTalk) {
  const std::string server = definition("parent0") + attached("server", ", \"ips\": [\"192.0.2.20/24\"]",
                                                              "[/bin/probe, listen, 192.0.2.20, \"7\"]");
  const std::string client = definition("parent0") + attached("client", ", \"ips\": [\"192.0.2.21/24\"]",
                                                              "[/bin/probe, connect, 192.0.2.20, \"7\", hello]");
  Child serving(tank("run", {"-f", write("server.yaml", server)}));
  ASSERT_TRUE(serving.wait_for_output(Child::Stream::out, "listening 7", std::chrono::seconds(20)))
      << to_string(serving.finish(std::chrono::seconds(1)));
  const Outcome outcome = run_manifest(client);
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_EQ(outcome.out, "hello\n");
  const Outcome served = serving.finish(std::chrono::seconds(20));
  EXPECT_EQ(served.code, 0) << to_string(served);
}

TEST_F(PodNetworkTest, AParentThatIsNotThereIsOneClearError) {
  for (const char* parent : {"nosuch0", "auto"}) {
    const Outcome outcome = run_manifest(
        definition(parent) + attached("test", ", \"ips\": [\"192.0.2.20/24\"]", "[/bin/probe, print, never]"));
    EXPECT_EQ(outcome.code, 125) << to_string(outcome);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr(std::string(parent) == "auto" ? "default route" : "nosuch0"));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

TEST_F(PodNetworkTest, TheLinkGoesWithAKilledPod) {
  const std::string text = definition("parent0") +
                           attached("test", ", \"ips\": [\"192.0.2.20/24\"]", "[/bin/probe, print, up, then, sleep]");
  Child child(tank("run", {"-f", write("pod.yaml", text)}));
  ASSERT_TRUE(child.wait_for_output(Child::Stream::out, "up", std::chrono::seconds(20)));
  child.signal(SIGTERM);
  child.signal(SIGKILL);
  child.finish(std::chrono::seconds(10));
  const Outcome cleanup = run(tank("cleanup", {}));
  EXPECT_EQ(cleanup.code, 0) << to_string(cleanup);
}

}  // namespace
}  // namespace tank::test
