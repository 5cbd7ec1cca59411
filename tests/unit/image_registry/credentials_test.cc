#include "image/credentials.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "image/base64.h"
#include "unit/image_registry/temporary_directory.h"

namespace tank::image {
namespace {

std::string auth(const std::string& pair) { return R"({"auth":")" + encode_base64(pair) + R"("})"; }

std::string user_for(const std::string& file, const std::string& reference) {
  const Reference parsed = *parse_reference(reference);
  const Result<CredentialSource> found = find_in_auth_file(file, parsed.host, parsed.repository);
  if (!found) return "error: " + found.error().sentence();
  return found->credentials ? found->credentials->user + "/" + found->credentials->password : "helper:" + found->helper;
}

TEST(FindInAuthFile, TakesTheLongestPrefix) {
  const std::string file =
      R"({"auths":{"h.x":)" + auth("host:1") + R"(,"h.x/a":)" + auth("a:2") + R"(,"h.x/a/b":)" + auth("ab:3:4") + "}}";
  EXPECT_EQ(user_for(file, "h.x/q"), "host/1");
  EXPECT_EQ(user_for(file, "h.x/a/q"), "a/2");
  EXPECT_EQ(user_for(file, "h.x/a/b"), "ab/3:4");
  EXPECT_EQ(user_for(file, "h.x/a/b/c"), "ab/3:4");
  EXPECT_EQ(user_for(file, "h.x/ab"), "host/1") << "a prefix ends at a slash";
  EXPECT_EQ(user_for(file, "h.x:5000/a"), "helper:") << "another port is another registry";
  EXPECT_EQ(user_for(file, "evil.h.x/a"), "helper:");
}

TEST(FindInAuthFile, KnowsTheNamesOfDockerHub) {
  for (const auto* key : {"https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"}) {
    EXPECT_EQ(user_for(R"({"auths":{")" + std::string(key) + R"(":)" + auth("u:p") + "}}", "nginx"), "u/p") << key;
  }
  EXPECT_EQ(user_for(R"({"auths":{"https://h.x/v2/":)" + auth("u:p") + "}}", "h.x/a"), "u/p");
}

TEST(FindInAuthFile, AsksHelpersInOrder) {
  const std::string file = R"({"credHelpers":{"h.x":"one"},"credsStore":"two","auths":{"h.x":)" + auth("u:p") +
                           R"(,"i.x":)" + auth("v:q") + R"(,"j.x":{}}})";
  EXPECT_EQ(user_for(file, "h.x/a"), "helper:one");
  EXPECT_EQ(user_for(file, "i.x/a"), "v/q");
  EXPECT_EQ(user_for(file, "j.x/a"), "helper:two");
}

TEST(FindInAuthFile, ReadsIdentityTokens) {
  const Result<CredentialSource> found = find_in_auth_file(R"({"auths":{"h.x":{"identitytoken":"t"}}})", "h.x", "a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->credentials->identity_token, "t");
}

TEST(FindInAuthFile, RefusesBrokenFiles) {
  for (const auto* wrong : {"", "[]", R"({"auths":[]})", R"({"auths":{"h.x":1}})", R"({"auths":{"h.x":{"auth":"!"}}})",
                            R"({"auths":{"h.x":{"auth":"Zm9v"}}})", R"({"credsStore":1})"}) {
    const Result<CredentialSource> found = find_in_auth_file(wrong, "h.x", "a");
    ASSERT_FALSE(found) << wrong;
    EXPECT_EQ(found.error().kind(), Kind::invalid);
  }
}

/// A credential helper on $PATH for the time of a test.
class Helper : public ::testing::Test {
 protected:
  void write_helper(const std::string& script) {
    const std::filesystem::path path = directory_.path() / "docker-credential-test";
    std::ofstream(path) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    std::ofstream(directory_.path() / "config.json") << R"({"credsStore":"test"})";
    old_path_ = std::getenv("PATH");
    ::setenv("PATH", (directory_.path().native() + ":" + old_path_).c_str(), 1);
  }
  void TearDown() override {
    if (!old_path_.empty()) ::setenv("PATH", old_path_.c_str(), 1);
  }
  Result<std::optional<Credentials>> find(const std::string& reference) {
    return find_credentials(directory_.path() / "config.json", *parse_reference(reference));
  }
  test::TemporaryDirectory directory_;
  std::string old_path_;
};

TEST_F(Helper, IsToldTheServerOnStandardInput) {
  write_helper(R"(read server; printf '{"ServerURL":"%s","Username":"%s","Secret":"s"}' "$server" "$1-$server")");
  EXPECT_EQ((*find("h.x/a"))->user, "get-h.x");
  EXPECT_EQ((*find("nginx"))->user, "get-https://index.docker.io/v1/");
}

TEST_F(Helper, MayGiveAnIdentityToken) {
  write_helper(R"(printf '{"Username":"<token>","Secret":"t"}')");
  EXPECT_EQ((*find("h.x/a"))->identity_token, "t");
}

TEST_F(Helper, MayKnowNothing) {
  write_helper("echo credentials not found in native keychain; exit 1");
  const auto found = find("h.x/a");
  ASSERT_TRUE(found) << found.error().sentence();
  EXPECT_FALSE(*found);
}

TEST_F(Helper, ThatFailsOrBabblesIsAnError) {
  write_helper("exit 3");
  EXPECT_EQ(find("h.x/a").error().kind(), Kind::denied);
  write_helper("exec yes");
  EXPECT_EQ(find("h.x/a").error().kind(), Kind::invalid);
}

TEST_F(Helper, MustHaveAPlainNameAndBeThere) {
  write_helper("exit 0");
  std::ofstream(directory_.path() / "config.json") << R"({"credsStore":"../../bin/sh"})";
  EXPECT_EQ(find("h.x/a").error().kind(), Kind::invalid);
  std::ofstream(directory_.path() / "config.json") << R"({"credsStore":"missing"})";
  EXPECT_EQ(find("h.x/a").error().kind(), Kind::not_found);
}

TEST(FindCredentials, WantsTheChosenFileToBeThere) {
  EXPECT_EQ(find_credentials("/nonexistent/auth.json", *parse_reference("a")).error().kind(), Kind::not_found);
}

}  // namespace
}  // namespace tank::image
