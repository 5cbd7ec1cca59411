#include "oci/user.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tank::oci {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const UserFiles kFiles{
    "# accounts\n"
    "root:x:0:0:root:/root:/bin/sh\n"
    "\n"
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "+nis::::::\n"
    "broken\n"
    "short:x:7\n"
    ":x:8:8::/:\n"
    "www:x:33:34:web:/var/www:/bin/false\n"
    "www:x:0:0:a second one:/evil:/bin/sh\n"
    "twin:x:33:35:same uid:/twin:/bin/sh\n"
    "big:x:2147483648:1::/:\n"
    "wrap:x:4294967296:0::/:\n"
    "minus:x:-1:0::/:\n"
    "bare:x:50:51\n"
    "1000:x:5:5:a name of digits:/digits:/bin/sh\n"
    "last:x:2147483647:2147483647:no newline:/last:",
    "root:x:0:\n"
    "#staff:x:50:www\n"
    "web:x:80:www,other\n"
    "log:x:4:other,www\n"
    "wwwx:x:5:wwwx,xwww\n"
    "twins:x:90:twin\n"
    "broken:x:abc:www\n"
    "huge:x:4294967296:www\n"
    "nomembers:x:91\n"
    "log:x:99:nobody\n"
    "admins:x:27:root"};

struct Case {
  const char* image_user;
  std::optional<std::uint32_t> run_as_user;
  std::optional<std::uint32_t> run_as_group;
  std::uint32_t uid;
  std::uint32_t gid;
  std::vector<std::uint32_t> groups;
  const char* home;
};

Result<Identity> resolve(const char* image_user, std::optional<std::uint32_t> user = {},
                         std::optional<std::uint32_t> group = {}, const UserFiles& files = kFiles) {
  Container container;
  container.name = "c";
  if (user) container.security.run_as_user = Id{*user};
  if (group) container.security.run_as_group = Id{*group};
  ImageConfig image;
  image.user = image_user;
  return resolve_user(container, Pod{}, image, files);
}

TEST(ResolveUser, RefusesWhatCannotBeMeant) {
  for (const auto* wrong :
       {"2147483648", "4294967296", "18446744073709551616", "0:4294967296", "www:2147483648", "a:b:c",
        "www:web:", "www www", "www\n", "\tx", "big", "wrap", "minus", "www:broken", "www:huge"}) {
    const auto refused = resolve(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().kind(), Kind::invalid) << wrong << ": " << refused.error().sentence();
  }
}

TEST(ResolveUser, NamesWhoItDoesNotKnow) {
  for (const auto* unknown : {"nobody", "broken", "short", "-1", "0x0", "+nis", "www:nobody", "#staff", "www:-1"}) {
    const auto refused = resolve(unknown);
    ASSERT_FALSE(refused) << unknown;
    EXPECT_EQ(refused.error().kind(), Kind::not_found) << unknown;
  }
  EXPECT_THAT(resolve("nobody").error().sentence(), HasSubstr("'nobody'"));
  EXPECT_THAT(resolve("www:staff").error().sentence(), HasSubstr("'staff'"));
  EXPECT_FALSE(resolve("root", {}, {}, UserFiles{}));
}

TEST(ResolveUser, FollowsTheTable) {
  const std::vector<Case> cases{
      {"", {}, {}, 0, 0, {0, 27}, "/root"},
      {"root", {}, {}, 0, 0, {0, 27}, "/root"},
      {"0", {}, {}, 0, 0, {0, 27}, "/root"},
      {":web", {}, {}, 0, 80, {27, 80}, "/root"},
      {"www", {}, {}, 33, 34, {4, 34, 80}, "/var/www"},
      {"www:web", {}, {}, 33, 80, {4, 80}, "/var/www"},
      {"www:0", {}, {}, 33, 0, {0, 4, 80}, "/var/www"},
      {"www:", {}, {}, 33, 34, {4, 34, 80}, "/var/www"},
      // By number the first entry with that uid counts, its name's groups too.
      {"33", {}, {}, 33, 34, {4, 34, 80}, "/var/www"},
      {"twin", {}, {}, 33, 35, {35, 90}, "/twin"},
      // A number is never a name.
      {"1000", {}, {}, 1000, 0, {0}, "/"},
      {"12345:log", {}, {}, 12345, 4, {4}, "/"},
      {"bare", {}, {}, 50, 51, {51}, "/"},
      {"last", {}, {}, 2147483647, 2147483647, {2147483647}, "/last"},
      // The manifest over the image; the image's group goes with the image's user.
      {"www:web", 1, {}, 1, 1, {1}, "/usr/sbin"},
      {"www:web", 4711, {}, 4711, 0, {0}, "/"},
      {"www:web", {}, 9, 33, 9, {4, 9, 80}, "/var/www"},
      {"nobody:nogroup", 33, 9, 33, 9, {4, 9, 80}, "/var/www"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(concat(c.image_user, " ", c.run_as_user.value_or(0), " ", c.run_as_group.value_or(0)));
    const auto got = resolve(c.image_user, c.run_as_user, c.run_as_group);
    ASSERT_TRUE(got) << got.error().sentence();
    EXPECT_EQ(got->user.uid, c.uid);
    EXPECT_EQ(got->user.gid, c.gid);
    EXPECT_EQ(got->user.additional_gids, c.groups);
    EXPECT_EQ(got->home, c.home);
  }
}

TEST(ResolveUser, MergesThePodsGroupsSortedAndOnce) {
  Pod pod;
  pod.supplemental_groups = {Id{500}, Id{4}, Id{500}};
  pod.fs_group = Id{3};
  ImageConfig image;
  image.user = "www";
  const auto got = resolve_user(Container{}, pod, image, kFiles);
  ASSERT_TRUE(got);
  EXPECT_THAT(got->user.additional_gids, ElementsAre(3, 4, 34, 80, 500));
}

TEST(ResolveUser, KeepsRunAsNonRootWhateverTheNameWas) {
  const UserFiles files{"root:x:0:0::/:\ntoor:x:0:0::/:\nwww:x:33:33::/:\n", ""};
  Container container;
  container.name = "web";
  container.security.run_as_non_root = true;
  ImageConfig image;
  for (const auto* root : {"", "root", "0", "toor", "0:33", "00"}) {
    image.user = root;
    const auto refused = resolve_user(container, Pod{}, image, files);
    ASSERT_FALSE(refused) << root;
    EXPECT_EQ(refused.error().kind(), Kind::invalid);
    EXPECT_THAT(refused.error().sentence(), HasSubstr("runAsNonRoot"));
  }
  for (const auto* user : {"www", "33", "1:0"}) {
    image.user = user;
    EXPECT_TRUE(resolve_user(container, Pod{}, image, files)) << user;
  }
  container.security.run_as_user = Id{0};
  EXPECT_FALSE(resolve_user(container, Pod{}, image, files));
  container.security.run_as_user = Id{5};
  image.user = "root";
  EXPECT_TRUE(resolve_user(container, Pod{}, image, files));
}

TEST(ResolveUser, RefusesMoreGroupsThanTheKernelTakes) {
  UserFiles files{"u:x:1:1::/:\n", ""};
  for (int gid = 2; gid < 65600; ++gid) files.group += concat("g", gid, ":x:", gid, ":u\n");
  ImageConfig image;
  image.user = "u";
  EXPECT_FALSE(resolve_user(Container{}, Pod{}, image, files));
}

TEST(ResolveUser, ReadsLinesOfAnyLengthAndNulBytes) {
  const std::string longest(1 << 19, 'x');
  const UserFiles files{
      "a:" + longest + ":1:2::/home:\n" + longest + "\n" + std::string("n\0l:x:3:3::/:\n", 14) + "u:x:9:9::/u:\n",
      "g:x:7:" + longest + ",u\n"};
  EXPECT_EQ(resolve("a", {}, {}, files)->user.gid, 2U);
  EXPECT_THAT(resolve("u", {}, {}, files)->user.additional_gids, ElementsAre(7, 9));
  EXPECT_FALSE(resolve("n", {}, {}, files));
}

}  // namespace
}  // namespace tank::oci
