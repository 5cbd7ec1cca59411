// What a workload sees under Tank is what it sees under runc with the same configuration. A pod runs that reports and
// stays; its config.json, taken from the run directory, goes to runc as it is but for what is said at adapt(). Then the
// probe's two reports are compared field by field; differences.cc holds the table of what may differ.
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "path/compare/differences.h"
#include "path/runtime/pod_fixture.h"
#include "support/probe.h"

namespace tank::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;

struct Case {
  const char* name;
  const char* container_lines;
  const char* spec_lines;
};

const Case kCases[] = {
    {"Default", "", ""},
    {"UserWithGroups", "    securityContext: {runAsUser: 101, runAsGroup: 102}\n",
     "  securityContext: {supplementalGroups: [4000, 4001], fsGroup: 4002}\n"},
    {"Capabilities", "    securityContext: {capabilities: {add: [SYS_TIME, NET_ADMIN], drop: [CHOWN, MKNOD]}}\n", ""},
    {"NoCapabilitiesNoNewPrivileges",
     "    securityContext: {runAsUser: 101, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n", ""},
    {"Privileged", "    securityContext: {privileged: true}\n", ""},
    {"ReadOnlyRoot", "    securityContext: {readOnlyRootFilesystem: true}\n", ""},
    {"DirectoryAndEnvironment",
     "    workingDir: /tmp\n    env: [{name: GREETING, value: hello}]\n"
     "    volumeMounts: [{name: scratch, mountPath: /scratch}, {name: memory, mountPath: /memory, readOnly: true}]\n",
     "  hostname: named\n  volumes: [{name: scratch, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory}}]\n"},
};

class CompareTest : public PodTest, public ::testing::WithParamInterface<Case> {
 protected:
  /// The one config.json below the run directory.
  std::string config_of_pod() const {
    for (const auto& entry : fs::recursive_directory_iterator(run_dir())) {
      if (entry.path().filename() != "config.json") continue;
      std::ifstream file(entry.path());
      return {std::istreambuf_iterator<char>(file), {}};
    }
    throw std::runtime_error("no config.json below " + run_dir());
  }

  json::value adapt(const std::string& text) const {
    json::value config = json::parse(text);
    // Tank mounts an overlay of the image's layers inside the container's own mount namespace, where nobody else can
    // take it from; runc gets a copy of the one layer.
    config.as_object()["root"].as_object()["path"] = (bundle_ / "rootfs").native();
    // The pod lives in its own. One directory at the top, since runc removes only the last part of the path.
    config.as_object()["linux"].as_object()["cgroupsPath"] = "/tank-compare-" + std::to_string(::getpid());
    return config;
  }

  void make_bundle(const json::value& config) const {
    const std::string image_root = image().substr(std::string_view("rootfs:").size());
    fs::copy(image_root, bundle_ / "rootfs", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    std::ofstream(bundle_ / "config.json") << json::serialize(config);
  }

  Command runc(const std::vector<std::string>& words) const {
    Command command;
    command.argv = {"runc", "--root", bundle_ / "state"};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.cwd = bundle_.path();
    return command;
  }

  TempDir bundle_;
};

std::string report_of(Child& child) {
  const auto said = child.wait_for_output(Child::Stream::out, "awaiting", 30s);
  if (!said) throw std::runtime_error("no report: " + to_string(child.finish(0ms)));
  return *said;
}

TEST_P(CompareTest, SeesTheSame) {
  if (!has_program("runc")) GTEST_SKIP() << "needs runc";
  const HostSnapshot before = look();
  {
    const std::string text = manifest("[/bin/probe, report, then, await, \"15\", then, exit, \"7\"]",
                                      GetParam().container_lines, GetParam().spec_lines);
    Child pod(tank("run", {"-f", write("pod.yaml", text)}));
    const Fields ours = flatten(parse_report(report_of(pod)));

    // The pod stays, since its /etc files and volumes are what runc binds too.
    make_bundle(adapt(config_of_pod()));
    Child container(runc({"run", "compare"}));
    const Fields theirs = flatten(parse_report(report_of(container)));
    EXPECT_EQ(run(runc({"kill", "compare", "TERM"})).code, 0);
    EXPECT_EQ(container.finish(20s).code, 7);

    for (const std::string& line : unexplained(ours, theirs)) ADD_FAILURE() << line;
    pod.signal(SIGTERM);
    EXPECT_EQ(pod.finish(20s).code, 7);
  }
  expect_unchanged(before);
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Settings, CompareTest, ::testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace tank::test
