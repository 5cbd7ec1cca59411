#include "image/reference.h"

#include <gtest/gtest.h>

namespace tank::image {
namespace {

const std::string kDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(ParseReference, GivesTheFullForm) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"nginx", "docker.io/library/nginx:latest"},
      {"nginx:1.27", "docker.io/library/nginx:1.27"},
      {"a/b", "docker.io/a/b:latest"},
      {"docker.io/nginx", "docker.io/library/nginx:latest"},
      {"index.docker.io/nginx", "docker.io/library/nginx:latest"},
      {"docker://nginx", "docker.io/library/nginx:latest"},
      {"docker.io/library/nginx:1.27@" + kDigest, "docker.io/library/nginx@" + kDigest},
      {"nginx@" + kDigest, "docker.io/library/nginx@" + kDigest},
      {"localhost/a", "localhost/a:latest"},
      {"localhost:5000/a/b", "localhost:5000/a/b:latest"},
      {"LOCALHOST:5000/a", "localhost:5000/a:latest"},
      {"Quay.IO/a/b:V1", "quay.io/a/b:V1"},
      {"[::1]:5000/a/b:x", "[::1]:5000/a/b:x"},
      {"[2001:db8::1]/a", "[2001:db8::1]/a:latest"},
      {"10.0.0.1:80/a", "10.0.0.1:80/a:latest"},
      {"a__b/c.d/e--f---g", "docker.io/a__b/c.d/e--f---g:latest"},
      {"host.example/" + std::string(242, 'a'), "host.example/" + std::string(242, 'a') + ":latest"},
      {"a:" + std::string(128, 't'), "docker.io/library/a:" + std::string(128, 't')},
      {"oci:/srv/x:1.0", "oci:/srv/x:1.0"},
      {"oci:dir", "oci:dir"},
      {"oci-archive:x.tar:docker.io/library/a:1", "oci-archive:x.tar:docker.io/library/a:1"},
      {"docker-archive:x.tar", "docker-archive:x.tar"},
      {"rootfs:/srv/a:b", "rootfs:/srv/a:b"},
  };
  for (const auto& [text, full] : table) {
    const Result<Reference> reference = parse_reference(text);
    ASSERT_TRUE(reference) << text << ": " << reference.error().sentence();
    EXPECT_EQ(to_string(*reference), full);
    const Result<Reference> again = parse_reference(full);
    ASSERT_TRUE(again) << full;
    EXPECT_EQ(to_string(*again), full) << "the full form must mean the same";
  }
}

TEST(ParseReference, RefusesWhatIsNone) {
  for (const std::string& wrong : std::vector<std::string>{"",
                                                           " ",
                                                           "Nginx",
                                                           "UPPER/x",
                                                           "a/B",
                                                           "a/",
                                                           "/a",
                                                           "a//b",
                                                           "-a",
                                                           "a-",
                                                           ".a",
                                                           "a.",
                                                           "a..b",
                                                           "a._b",
                                                           "a___b",
                                                           "a:",
                                                           "a:-x",
                                                           "a:.x",
                                                           "a:" + std::string(129, 't'),
                                                           "a:b:c",
                                                           "a b",
                                                           "a@",
                                                           "a@sha256:12",
                                                           "a@" + kDigest + "x",
                                                           "a:t@md5:12",
                                                           "@" + kDigest,
                                                           ":tag",
                                                           "localhost:0/a",
                                                           "localhost:65536/a",
                                                           "localhost:x/a",
                                                           "localhost:/a",
                                                           "[::1/a",
                                                           "[::1]x/a",
                                                           "[1.2.3.4]/a",
                                                           "[fe80::1%eth0]/a",
                                                           "h..x/a",
                                                           "-h.x/a",
                                                           "h-.x/a",
                                                           std::string("a\0b", 3),
                                                           "a\n",
                                                           "host.example/" + std::string(243, 'a'),
                                                           std::string(64, 'a'),
                                                           std::string(9000, 'a'),
                                                           "oci:",
                                                           "oci:dir:",
                                                           "oci::tag",
                                                           "oci-archive:",
                                                           "docker-archive:",
                                                           "rootfs:",
                                                           "rootfs:a",
                                                           "rootfs:./a",
                                                           "user@host/a",
                                                           "https://host/a",
                                                           "../a",
                                                           "a/../b",
                                                           "host.example/../a",
                                                           "host.example:5000/a?x",
                                                           "h.x/a#b",
                                                           "h.x/a%2fb"}) {
    const Result<Reference> reference = parse_reference(wrong);
    ASSERT_FALSE(reference) << wrong << " became " << to_string(*reference);
    EXPECT_EQ(reference.error().kind(), Kind::invalid);
    EXPECT_EQ(reference.error().sentence().find('\n'), std::string::npos);
  }
}

TEST(ParseReference, KeepsATagBesideADigest) {
  const Result<Reference> reference = parse_reference("nginx:1.27@" + kDigest);
  ASSERT_TRUE(reference);
  EXPECT_EQ(reference->tag, "1.27");
  EXPECT_EQ(to_string(*reference->digest), kDigest);
}

TEST(ConnectHost, IsAnotherForDockerIoOnly) {
  EXPECT_EQ(connect_host(*parse_reference("nginx")), "registry-1.docker.io");
  EXPECT_EQ(connect_host(*parse_reference("quay.io/a")), "quay.io");
}

TEST(IsLoopback, KnowsNamesAndBothFamilies) {
  for (const auto* yes : {"localhost", "127.0.0.1", "127.255.0.9:80", "[::1]:5000", "[::1]"}) {
    EXPECT_TRUE(is_loopback(yes)) << yes;
  }
  for (const auto* no : {"localhost.example", "128.0.0.1", "10.0.0.1:5000", "[::2]", "127.0.0.1.example", "127.1",
                         "0.0.0.0", "[::ffff:127.0.0.1]"}) {
    EXPECT_FALSE(is_loopback(no)) << no;
  }
}

}  // namespace
}  // namespace tank::image
