// A real server out of Debian's packages: Redis, as the user its package makes, with its data on a managed volume,
// pulled from a registry. A client that is another container of the pod talks to it; the pod is stopped and run again,
// and the data is still there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "path/runtime/pod_fixture.h"
#include "support/image_builder.h"
#include "support/registry.h"
#include "sys/file.h"

namespace tank::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class ServiceTest : public PodTest {
 protected:
  /// The root is made once and kept beside the build trees, since that takes half a minute and the network.
  static void make_layout(const fs::path& directory) {
    const fs::path root = fs::path(IMAGES_DIR) / "debian-redis.1.tar";
    if (!fs::exists(root)) {
      Command make;
      make.argv = {MAKE_ROOT, root};
      make.patience = 300s;
      const Outcome made = run(make);
      if (made.code != 0) throw std::runtime_error("making a root of Debian packages: " + to_string(made));
    }
    Result<std::string> tar = sys::read_file(root, std::size_t{1} << 30U);
    if (!tar) throw std::runtime_error(to_string(tar.error()));
    ImageBuilder()
        .layer_bytes(std::move(*tar))
        .user("redis")
        .working_dir("/var/lib/redis")
        .entrypoint({"/usr/bin/redis-server"})
        .write_layout(directory, "it");
  }

  /// `client` is what the second container's shell does once the server answers.
  std::string manifest_with(const std::string& reference, const std::string& client) const {
    return R"(apiVersion: v1
kind: Pod
metadata: {name: store}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 30
  volumes:
  - name: data
    persistentVolumeClaim: {claimName: redis}
  securityContext: {fsGroup: 4321}
  containers:
  - name: server
    image: )" +
           reference + R"(
    args: ["--dir", "/data", "--appendonly", "yes", "--bind", "127.0.0.1", "--save", ""]
    volumeMounts: [{name: data, mountPath: /data}]
    resources: {limits: {memory: 256Mi}}
  - name: client
    image: )" +
           reference + R"(
    command: ["/bin/sh", "-c"]
    args:
    - |
      trap 'exit 3' TERM
      # What waits here is a connection refused, until the server listens; the test's deadline ends it.
      until redis-cli ping >/dev/null 2>&1; do :; done
      )" + client +
           R"(
      id -un
      echo finished
      # Killed with the container; the shell waits where a signal reaches it.
      sleep infinity & wait
)";
  }

  /// Runs the pod until its client has finished, stops it as a user would, and gives what was said.
  Outcome run_until_client_finished(const std::string& manifest) const {
    Child pod(tank("run", {"-f", write("store.yaml", manifest)}));
    const auto said = pod.wait_for_output(Child::Stream::out, "finished\n", 90s);
    if (!said) {
      pod.signal(SIGTERM);
      ADD_FAILURE() << "the client did not finish: " << to_string(pod.finish(40s));
      return {};
    }
    pod.signal(SIGTERM);
    return pod.finish(60s);
  }
};

TEST_F(ServiceTest, RedisKeepsItsDataOverTwoRuns) {
  for (const char* program : {"mmdebstrap", "docker-registry", "skopeo"}) {
    if (!has_program(program)) GTEST_SKIP() << "needs " << program;
  }
  Registry registry;
  {
    const TempDir layout;
    make_layout(layout.path());
    registry.push("oci:" + layout.path().native() + ":it", "debian/redis:1");
  }
  const std::string reference = registry.reference("debian/redis:1");
  const HostSnapshot before = look();

  const Outcome first = run_until_client_finished(manifest_with(reference, "redis-cli set greeting hello"));
  EXPECT_THAT(first.out, HasSubstr("[client] OK\n")) << to_string(first);
  EXPECT_THAT(first.out, HasSubstr("[client] redis\n")) << "the user of the image: " << first.out;
  EXPECT_THAT(first.out, HasSubstr("bye bye...")) << "the server was not asked to end: " << first.out;
  EXPECT_EQ(first.code, 0) << to_string(first);
  expect_unchanged(before);

  registry.stop();
  const Outcome second = run_until_client_finished(manifest_with(reference, "redis-cli get greeting"));
  EXPECT_THAT(second.out, HasSubstr("[client] hello\n")) << to_string(second);
  EXPECT_EQ(second.code, 0) << to_string(second);
  EXPECT_TRUE(fs::exists(fs::path(data_dir()) / "volumes/default/redis/appendonlydir"));
}

}  // namespace
}  // namespace tank::test
