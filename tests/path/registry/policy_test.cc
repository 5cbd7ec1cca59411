// When `tank run` asks the registry, and what it says when the registry's answer is no.
#include "path/registry/image_fixture.h"
#include "support/fake_registry.h"

namespace tank::test {
namespace {

class PolicyTest : public ImageTest {
 protected:
  Outcome run_with(const std::string& policy) const {
    return run_manifest(pod_of(registry_.reference("one:1"), "    imagePullPolicy: " + policy + "\n"));
  }
  Registry registry_;
};

TEST_F(PolicyTest, NeverDoesNotAsk) {
  const HostSnapshot before = look();
  push(registry_, image_saying("one"), "one:1");
  expect_error(run_with("Never"), 125, {registry_.reference("one:1")});
  ASSERT_EQ(pull(registry_.reference("one:1")).code, 0);
  EXPECT_EQ(run_with("Never").out, "one");
  expect_unchanged(before);
}

TEST_F(PolicyTest, AlwaysSeesANewImageAndIfNotPresentDoesNot) {
  push(registry_, image_saying("one"), "one:1");
  EXPECT_EQ(run_with("IfNotPresent").out, "one");
  push(registry_, image_saying("two"), "one:1");
  EXPECT_EQ(run_with("IfNotPresent").out, "one");
  EXPECT_EQ(run_with("Always").out, "two");
  EXPECT_EQ(run_with("Never").out, "two");
}

TEST_F(PolicyTest, ACachedImageStartsWithoutTheRegistry) {
  push(registry_, image_saying("one"), "one:1");
  ASSERT_EQ(run_with("IfNotPresent").code, 0);
  registry_.stop();
  const HostSnapshot before = look();
  EXPECT_EQ(run_with("IfNotPresent").out, "one");
  EXPECT_EQ(run_with("Never").out, "one");
  expect_error(run_with("Always"), 125, {registry_.host()});
  expect_unchanged(before);
}

TEST_F(PolicyTest, OfAnIndexTheMachinesOwnImageIsTaken) {
  const TempDir layout;
  ImageBuilder ours = image_saying("ours");
  ImageBuilder theirs = image_saying("theirs");
  theirs.platform("arm64", "linux", "v8");
  ImageBuilder::write_index_layout(layout.path(), "it", {theirs, ours});
  const Outcome copied = run({"skopeo", "--insecure-policy", "copy", "--all", "--dest-tls-verify=false",
                              "oci:" + layout.path().native() + ":it", "docker://" + registry_.reference("one:1")});
  ASSERT_EQ(copied.code, 0) << to_string(copied);
  EXPECT_EQ(run_with("IfNotPresent").out, "ours");

  ImageBuilder::write_index_layout(layout.path(), "foreign", {theirs});
  const Outcome foreign =
      run({"skopeo", "--insecure-policy", "copy", "--all", "--dest-tls-verify=false",
           "oci:" + layout.path().native() + ":foreign", "docker://" + registry_.reference("foreign:1")});
  ASSERT_EQ(foreign.code, 0) << to_string(foreign);
  expect_error(pull(registry_.reference("foreign:1")), 125, {"linux/amd64"});
}

TEST_F(PolicyTest, ARegistryThatWantsAPasswordIsNamed) {
  FakeRegistry registry;
  registry.set_hook([](const FakeRequest&) {
    FakeReply refusal;
    refusal.status = 401;
    refusal.headers = {{"WWW-Authenticate", "Basic realm=\"private\""}};
    return refusal;
  });
  const HostSnapshot before = look();
  expect_error(pull(registry.host() + "/secret:1"), 125, {registry.host(), "none are configured"});
  expect_error(run_manifest(pod_of(registry.host() + "/secret:1")), 125, {registry.host()});
  expect_unchanged(before);
}

TEST_F(PolicyTest, WrongReferencesAreNamed) {
  const HostSnapshot before = look();
  expect_error(pull("UPPER/case"), 125, {"UPPER/case"});
  expect_error(pull(registry_.reference("nothing:1")), 125, {registry_.reference("nothing:1")});
  expect_error(pull("rootfs:relative"), 125, {"relative"});
  const Outcome ran = run_manifest(pod_of(registry_.reference("nothing:1")));
  expect_error(ran, 125, {registry_.reference("nothing:1")});
  expect_unchanged(before);
}

}  // namespace
}  // namespace tank::test
