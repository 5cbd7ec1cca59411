#include "image/base64.h"
#include "path/image/fixture.h"

namespace tank::image {
namespace {

FakeReply json(const std::string& body) { return {200, {{"Content-Type", "application/json"}}, body, {}, {}}; }
FakeReply challenge(const std::string& text) { return {401, {{"WWW-Authenticate", text}}, "", {}, {}}; }

TEST_F(ImagePath, FetchesOneTokenForAPull) {
  serve(small_image());
  FakeRegistry tokens;
  tokens.set_hook([](const FakeRequest&) { return json(R"({"access_token":"secret-token"})"); });
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.header("authorization") == "Bearer secret-token") return std::nullopt;
    return challenge(R"(Bearer realm="http://)" + tokens.host() +
                     R"(/token?x=y",service="the service",scope="repository:a/b:pull")");
  });
  write_auth(fake.host(), encode_base64("me:pass"));
  const Result<Image> image = ensure_it();
  ASSERT_TRUE(image) << image.error().sentence();
  const std::vector<FakeRequest> asked = tokens.requests();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].target, "/token?x=y&scope=repository%3Aa%2Fb%3Apull&service=the%20service");
  EXPECT_EQ(asked[0].header("authorization"), "Basic " + encode_base64("me:pass"));
}

TEST_F(ImagePath, AsksForATokenWithoutCredentialsToo) {
  serve(small_image());
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target.rfind("/token", 0) == 0) return json(R"({"token":"t"})");
    if (request.header("authorization") == "Bearer t") return std::nullopt;
    return challenge(R"(Bearer realm="http://)" + fake.host() + R"(/token",service="s")");
  });
  EXPECT_TRUE(ensure_it());
  for (const FakeRequest& request : fake.requests()) {
    if (request.target.rfind("/token", 0) == 0) {
      EXPECT_EQ(request.header("authorization"), "");
      EXPECT_NE(request.target.find("scope=repository%3Aa%2Fb%3Apull"), std::string::npos);
    }
  }
}

TEST_F(ImagePath, TurnsAnIdentityTokenIntoAnAccessToken) {
  serve(small_image());
  std::string form;
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target == "/token") {
      form = request.method + " " + request.body;
      return json(R"({"access_token":"t"})");
    }
    if (request.header("authorization") == "Bearer t") return std::nullopt;
    return challenge(R"(Bearer realm="http://)" + fake.host() + R"(/token",service="s",scope="x")");
  });
  std::ofstream(directory.path() / "auth.json") << R"({"auths":{")" << fake.host() << R"(":{"identitytoken":"a&b"}}})";
  ASSERT_TRUE(ensure_it());
  EXPECT_EQ(form, "POST grant_type=refresh_token&service=s&client_id=tank&scope=x&refresh_token=a%26b");
}

TEST_F(ImagePath, AnExpiredTokenIsReplaced) {
  serve(small_image());
  int issued = 0;
  int uses = 0;
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target.rfind("/token", 0) == 0) {
      uses = 0;
      return json(R"({"token":"t)" + std::to_string(++issued) + R"("})");
    }
    if (request.header("authorization") == "Bearer t" + std::to_string(issued) && ++uses <= 2) return std::nullopt;
    return challenge(R"(Bearer realm="http://)" + fake.host() + R"(/token",service="s")");
  });
  options.max_attempts = 1;
  const Result<Image> image = ensure_it();
  EXPECT_TRUE(image) << image.error().sentence();
  EXPECT_GE(issued, 2);
}

TEST_F(ImagePath, SaysWhatIsWrongWithALogin) {
  serve(small_image());
  fake.set_hook([](const FakeRequest&) { return challenge("Basic realm=x"); });
  EXPECT_NE(failure(ensure_it()).find("none are configured"), std::string::npos);
  write_auth(fake.host(), encode_base64("me:wrong"));
  const std::string why = failure(ensure_it());
  EXPECT_EQ(why.substr(0, 7), "denied:");
  EXPECT_EQ(why.find("wrong"), std::string::npos) << "a password must not be repeated: " << why;
  // The second time the challenge is the same, it is not answered again.
  EXPECT_LE(fake.count("GET", "/manifests/"), 4U);
}

TEST_F(ImagePath, NoTokenServerInThePlainElsewhere) {
  serve(small_image());
  fake.set_hook([](const FakeRequest&) { return challenge(R"(Bearer realm="http://tokens.invalid/t",service="s")"); });
  write_auth(fake.host(), encode_base64("me:pass"));
  EXPECT_NE(failure(ensure_it()).find("plain http"), std::string::npos);
}

TEST_F(ImagePath, ATokenMustBeOne) {
  serve(small_image());
  for (const auto* answer : {"{}", "[]", R"({"token":7})", R"({"token":"a\r\nX-Evil: 1"})", ""}) {
    fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
      if (request.target.rfind("/token", 0) == 0) return json(answer);
      return challenge(R"(Bearer realm="http://)" + fake.host() + R"(/token")");
    });
    EXPECT_FALSE(ensure_it()) << answer;
  }
}

TEST_F(ImagePath, CredentialsStayAtHome) {
  const ImageBuilder image = small_image();
  serve(image);
  FakeRegistry elsewhere;
  for (const auto& [digest, bytes] : image.blobs()) elsewhere.add_blob(digest, bytes);
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.header("authorization").empty()) return challenge("Basic realm=x");
    if (request.target.find("/blobs/") == std::string::npos) return std::nullopt;
    return FakeReply{307, {{"Location", "http://" + elsewhere.host() + request.target + "?signed=1"}}, "", {}, {}};
  });
  elsewhere.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    FakeRequest plain = request;
    plain.target = request.target.substr(0, request.target.find('?'));
    return elsewhere.usual(plain);
  });
  write_auth(fake.host(), encode_base64("me:pass"));
  const Result<Image> pulled = ensure_it();
  ASSERT_TRUE(pulled) << pulled.error().sentence();
  ASSERT_FALSE(elsewhere.requests().empty());
  for (const FakeRequest& request : elsewhere.requests()) EXPECT_EQ(request.headers.count("authorization"), 0U);
}

TEST_F(ImagePath, ALoginWantedElsewhereIsRefused) {
  serve(small_image());
  FakeRegistry elsewhere;
  elsewhere.set_hook([](const FakeRequest&) { return challenge("Basic realm=x"); });
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target.find("/blobs/") == std::string::npos) return std::nullopt;
    return FakeReply{302, {{"Location", "http://" + elsewhere.host() + "/x"}}, "", {}, {}};
  });
  write_auth(elsewhere.host(), encode_base64("me:pass"));
  EXPECT_EQ(failure(ensure_it()).substr(0, 7), "denied:");
  for (const FakeRequest& request : elsewhere.requests()) EXPECT_EQ(request.headers.count("authorization"), 0U);
}

TEST_F(ImagePath, ARedirectBackHomeBringsNoCredentials) {
  serve(small_image());
  FakeRegistry elsewhere;
  elsewhere.set_hook([&](const FakeRequest&) {
    return FakeReply{302, {{"Location", "http://" + fake.host() + "/v2/stolen"}}, "", {}, {}};
  });
  fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.target == "/v2/stolen") return FakeReply{404, {}, "", {}, {}};
    if (request.header("authorization").empty()) return challenge("Basic realm=x");
    if (request.target.find("/blobs/") == std::string::npos) return std::nullopt;
    return FakeReply{302, {{"Location", "http://" + elsewhere.host() + "/x"}}, "", {}, {}};
  });
  write_auth(fake.host(), encode_base64("me:pass"));
  EXPECT_FALSE(ensure_it());
  bool came_back = false;
  for (const FakeRequest& request : fake.requests()) {
    if (request.target != "/v2/stolen") continue;
    came_back = true;
    EXPECT_EQ(request.header("authorization"), "");
  }
  EXPECT_TRUE(came_back);
}

TEST_F(ImagePath, RedirectsEnd) {
  serve(small_image());
  for (const std::string& location :
       {std::string("/v2/a/b/manifests/1"), std::string("file:///etc/passwd"), std::string("http://plain.invalid/"),
        std::string("gopher://127.0.0.1/"), std::string("")}) {
    fake.set_hook([&](const FakeRequest& request) -> std::optional<FakeReply> {
      if (request.target == "/v2/") return std::nullopt;
      return FakeReply{302, {{"Location", location}}, "", {}, {}};
    });
    options.max_attempts = 1;
    EXPECT_FALSE(ensure_it()) << location;
  }
  EXPECT_LE(fake.count("GET", "/manifests/"), 40U);
}

}  // namespace
}  // namespace tank::image
