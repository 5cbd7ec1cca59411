#include "support/registry.h"

#include <gtest/gtest.h>

#include "support/process.h"

namespace tank::test {
namespace {

TEST(Registry, ServesOnLoopbackUntilItIsStopped) {
  if (!has_program("docker-registry")) GTEST_SKIP() << "docker-registry is not installed";
  Registry registry;
  EXPECT_GT(registry.port(), 0);
  const std::vector<std::string> ask = {"skopeo", "list-tags", "--tls-verify=false",
                                        "docker://" + registry.reference("nothing")};
  const Outcome living = run(ask);
  EXPECT_NE(living.err.find("404"), std::string::npos) << to_string(living);
  registry.stop();
  const Outcome gone = run(ask);
  EXPECT_NE(gone.err.find("connection refused"), std::string::npos) << to_string(gone);
}

}  // namespace
}  // namespace tank::test
