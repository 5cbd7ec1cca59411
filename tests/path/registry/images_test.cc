// tank pull, images and image load|inspect|rm, as a user meets them: what stands on standard output, what on standard
// error, and the exit code.
#include <algorithm>
#include <boost/json.hpp>
#include <csignal>

#include "path/registry/image_fixture.h"

namespace tank::test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

TEST_F(ImageTest, PullSaysTheDigestAndPlainLines) {
  Registry registry;
  const HostSnapshot before = look();
  const ImageBuilder image = image_saying("one");
  const std::string digest = push(registry, image, "a/one:1");

  const Outcome first = pull(registry.reference("a/one:1"));
  EXPECT_EQ(first.code, 0) << to_string(first);
  EXPECT_EQ(first.out, digest + "\n");
  EXPECT_THAT(first.err, HasSubstr(": done\n"));
  EXPECT_THAT(first.err, Not(HasSubstr("\x1b"))) << "nobody reads escape sequences here";
  EXPECT_EQ(std::count(first.err.begin(), first.err.end(), '\n'), 2) << "a line for each layer: " << first.err;

  const Outcome second = pull(registry.reference("a/one:1"));
  EXPECT_EQ(second.out, digest + "\n") << to_string(second);
  EXPECT_THAT(second.err, Not(HasSubstr(": done\n"))) << "nothing is fetched twice";
  expect_unchanged(before);
}

TEST_F(ImageTest, ListsAndInspects) {
  Registry registry;
  const std::string one = push(registry, image_saying("one"), "one:1");
  push(registry, image_saying("two"), "two:1");
  ASSERT_EQ(pull(registry.reference("one:1")).code, 0);
  ASSERT_EQ(pull(registry.reference("two:1")).code, 0);

  const Outcome list = images();
  EXPECT_EQ(list.code, 0) << to_string(list);
  EXPECT_TRUE(list.out.starts_with("REFERENCE")) << list.out;
  EXPECT_THAT(list.out, HasSubstr(registry.reference("one:1")));
  EXPECT_THAT(list.out, HasSubstr(registry.reference("two:1")));
  EXPECT_THAT(list.out, HasSubstr("linux/amd64"));

  const Outcome inspected = verb({"image", "inspect"}, {registry.reference("one:1")});
  ASSERT_EQ(inspected.code, 0) << to_string(inspected);
  const json::value all = json::parse(inspected.out);
  EXPECT_EQ(all.at("digest").as_string(), one);
  EXPECT_EQ(all.at("layers").as_array().size(), 2U);
  EXPECT_EQ(all.at("config").at("config").at("Cmd").as_array().size(), 3U);
  expect_error(verb({"image", "inspect"}, {registry.reference("three:1")}), 125, {"three:1"});
}

TEST_F(ImageTest, LoadTakesArchivesAndLayouts) {
  const TempDir files;
  image_saying("oci").write_oci_archive(files / "oci.tar", "1");
  image_saying("docker", Packing::plain).write_docker_archive(files / "docker.tar", "docker:1");
  image_saying("layout").write_layout(files / "layout", "1");
  const Outcome docker = verb({"image", "load"}, {"docker-archive:" + (files / "docker.tar").native()});
  EXPECT_EQ(docker.code, 0) << to_string(docker);
  EXPECT_EQ(docker.out, "docker.io/library/docker:1\n");
  const Outcome oci =
      verb({"image", "load"}, {"--name", "localhost/oci:1", "oci-archive:" + (files / "oci.tar").native()});
  EXPECT_EQ(oci.code, 0) << to_string(oci);
  const Outcome layout =
      verb({"image", "load"}, {"--name", "localhost/layout:1", "oci:" + (files / "layout").native()});
  EXPECT_EQ(layout.code, 0) << to_string(layout);
  for (const auto& [reference, word] : {std::pair{"docker:1", "docker"}, std::pair{"localhost/oci:1", "oci"},
                                        std::pair{"localhost/layout:1", "layout"}}) {
    const Outcome ran = run(tank("run", {"--pull", "Never", reference}));
    EXPECT_EQ(ran.code, 0) << to_string(ran);
    EXPECT_EQ(ran.out, word);
  }
  expect_error(verb({"image", "load"}, {"oci-archive:" + (files / "none.tar").native()}), 125, {"none.tar"});
}

TEST_F(ImageTest, AnImageInUseIsNotRemoved) {
  Registry registry;
  const HostSnapshot before = look();
  push(registry, image_saying("one"), "one:1");
  const std::string reference = registry.reference("one:1");
  const std::string waiting = pod_of(reference, "    command: [/bin/probe, await, \"15\"]\n");
  {
    Child pod(tank("run", {"-f", write("pod.yaml", waiting)}));
    ASSERT_TRUE(pod.wait_for_output(Child::Stream::out, "awaiting\n", 30s)) << to_string(pod.finish(0ms));
    expect_error(verb({"image", "rm"}, {reference}), 125, {reference});
    EXPECT_THAT(images().out, HasSubstr(reference));
    pod.signal(SIGTERM);
    EXPECT_EQ(pod.finish(20s).code, 0);
  }
  const Outcome removed = verb({"image", "rm"}, {reference});
  EXPECT_EQ(removed.code, 0) << to_string(removed);
  EXPECT_EQ(removed.out, "removed " + reference + "\n");
  EXPECT_THAT(images().out, Not(HasSubstr(reference)));
  expect_error(verb({"image", "rm"}, {reference}), 125, {reference});
  expect_unchanged(before);
}

TEST_F(ImageTest, TheStoreIsALayoutThatSkopeoReads) {
  if (!has_program("skopeo")) GTEST_SKIP() << "needs skopeo";
  Registry registry;
  const std::string digest = push(registry, image_saying("one"), "one:1");
  const std::string reference = registry.reference("one:1");
  ASSERT_EQ(pull(reference).code, 0);
  const TempDir copy;
  const Outcome copied = run({"skopeo", "--insecure-policy", "copy", "oci:" + data_dir() + "/images:" + reference,
                              "oci:" + copy.path().native() + ":it"});
  EXPECT_EQ(copied.code, 0) << to_string(copied);
  EXPECT_TRUE(std::filesystem::exists(copy / ("blobs/sha256/" + digest.substr(digest.find(':') + 1))));
}

}  // namespace
}  // namespace tank::test
