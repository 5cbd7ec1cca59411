#include "image/registry_policy.h"

#include <gtest/gtest.h>

namespace tank::image {
namespace {

Url url(const std::string& text) {
  const Result<Url> parsed = parse_url(text);
  EXPECT_TRUE(parsed) << parsed.error().sentence();
  return *parsed;
}

HttpResponse response(long status, std::vector<std::pair<std::string, std::string>> headers = {}) {
  HttpResponse out;
  out.status = status;
  out.headers = std::move(headers);
  return out;
}

TEST(ParseUrl, TakesHttpAndHttpsWithoutUsersOnly) {
  EXPECT_EQ(url("https://H.x/v2/").host, "h.x");
  EXPECT_EQ(url("https://h.x/").port, "443");
  EXPECT_EQ(url("http://[::1]:5000/").host, "[::1]");
  for (const auto* wrong :
       {"", "ftp://h/", "file:///etc/passwd", "https://u:p@h/", "https://", "h.x/a", "https://h:99999/"}) {
    EXPECT_FALSE(parse_url(wrong)) << wrong;
  }
}

TEST(ResolveUrl, SeesLocationsFromTheirBase) {
  EXPECT_EQ(resolve_url(url("http://h:1/a/b?c"), "/d")->text, "http://h:1/d");
  EXPECT_EQ(resolve_url(url("http://h:1/a/b"), "//e/d")->text, "http://e/d");
  EXPECT_FALSE(resolve_url(url("http://h:1/a"), "file:///etc/passwd"));
  EXPECT_FALSE(resolve_url(url("http://h:1/a"), "http://u:p@h:1/"));
}

TEST(CheckRedirect, NeverLosesTls) {
  EXPECT_TRUE(check_redirect(url("https://a/"), url("https://b/"), {}));
  EXPECT_TRUE(check_redirect(url("http://127.0.0.1:1/"), url("https://b/"), {}));
  EXPECT_TRUE(check_redirect(url("http://127.0.0.1:1/"), url("http://127.0.0.1:2/"), {}));
  EXPECT_TRUE(check_redirect(url("http://127.0.0.1:1/"), url("http://b/"), {"b"}));
  EXPECT_FALSE(check_redirect(url("https://a/"), url("http://a/"), {"a"}));
  EXPECT_FALSE(check_redirect(url("https://a/"), url("http://127.0.0.1/"), {}));
  EXPECT_FALSE(check_redirect(url("http://127.0.0.1:1/"), url("http://b/"), {"c"}));
}

TEST(CheckTokenServer, IsPlainOnlyWhereTheRegistryIs) {
  EXPECT_TRUE(check_token_server(url("https://a/"), url("https://b/"), {}));
  EXPECT_TRUE(check_token_server(url("http://127.0.0.1:1/"), url("http://127.0.0.1:2/"), {}));
  EXPECT_FALSE(check_token_server(url("https://a/"), url("http://127.0.0.1:2/"), {}));
  EXPECT_FALSE(check_token_server(url("https://a/"), url("http://b/"), {"b"}));
  EXPECT_FALSE(check_token_server(url("http://127.0.0.1:1/"), url("http://b/"), {}));
}

TEST(CheckBlobResponse, WantsExactlyTheMissingBytes) {
  EXPECT_EQ(*check_blob_response(response(200, {{"content-length", "10"}}), 0, 10), BodyStart::at_zero);
  EXPECT_EQ(*check_blob_response(response(200), 5, 10), BodyStart::at_zero);
  EXPECT_EQ(*check_blob_response(response(206, {{"content-range", "bytes 5-9/10"}}), 5, 10), BodyStart::at_offset);
  EXPECT_EQ(*check_blob_response(response(206, {{"content-range", "bytes 5-9/*"}}), 5, 10), BodyStart::at_offset);
  EXPECT_FALSE(check_blob_response(response(200, {{"content-length", "11"}}), 0, 10));
  for (const auto* wrong : {"", "bytes 0-9/10", "bytes 5-10/11", "bytes 5-9/11", "bytes 5-10/*", "bytes 4-9/10",
                            "5-9/10", "bytes */10", "bytes 5-/10"}) {
    EXPECT_FALSE(check_blob_response(response(206, {{"content-range", wrong}}), 5, 10)) << wrong;
  }
  EXPECT_FALSE(check_blob_response(response(206, {{"content-range", "bytes 0-9/10"}}), 0, 10));
}

TEST(ErrorOfResponse, RepeatsTheRegistryHarmlessly) {
  HttpResponse denied = response(403);
  denied.error_body = R"({"errors":[{"code":"DENIED","message":"no\n\u001b[31mway"}]})";
  const Error failure = error_of_response(denied, "asking");
  EXPECT_EQ(failure.kind(), Kind::denied);
  EXPECT_EQ(failure.sentence(), "asking: the registry answers 403 (DENIED: no??[31mway)");
  EXPECT_EQ(error_of_response(response(404), "x").kind(), Kind::not_found);
  EXPECT_EQ(error_of_response(response(503), "x").kind(), Kind::unavailable);
}

}  // namespace
}  // namespace tank::image
