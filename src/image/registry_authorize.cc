// How a registry comes to trust us: its WWW-Authenticate challenge answered with Basic credentials or with a token from
// the server it names (distribution specification, token authentication). One token serves a whole pull.
#include <algorithm>
#include <utility>

#include "image/base64.h"
#include "image/json.h"
#include "image/registry.h"
#include "image/registry_policy.h"

namespace tank::image {

namespace {

constexpr std::size_t kMaxTokenAnswer = std::size_t{1} << 20U;

std::string parameter(const Challenge& challenge, const std::string& name) {
  const auto found = challenge.parameters.find(name);
  return found == challenge.parameters.end() ? std::string() : found->second;
}

std::string basic(const Credentials& credentials) {
  return "Basic " + encode_base64(credentials.user + ":" + credentials.password);
}

const Challenge* find_scheme(const std::vector<Challenge>& challenges, std::string_view scheme) {
  const auto found = std::find_if(challenges.begin(), challenges.end(),
                                  [&](const Challenge& challenge) { return challenge.scheme == scheme; });
  return found == challenges.end() ? nullptr : &*found;
}

std::vector<Challenge> challenges_in(const HttpResponse& response) {
  std::vector<Challenge> out;
  for (const auto& [name, value] : response.headers) {
    if (name != "www-authenticate") continue;
    for (Challenge& challenge : parse_challenges(value)) out.push_back(std::move(challenge));
  }
  return out;
}

Result<std::string> token_in(std::string_view answer) {
  const boost::json::object object = TRY(json::parse_object(answer));
  std::string token = TRY(json::string(object, "token"));
  if (token.empty()) token = TRY(json::string(object, "access_token"));
  if (token.empty()) return error(Kind::denied, "it has no token");
  // It goes into a header of ours.
  const bool clean = std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!clean) return error(Kind::corrupt, "its token has characters that no token has");
  return token;
}

}  // namespace

std::string Registry::authorization() {
  const std::lock_guard lock(authorization_mutex_);
  return authorization_;
}

Result<const std::optional<Credentials>*> Registry::credentials() {
  if (!credentials_) credentials_ = TRY(find_credentials(options_.auth_file, reference_));
  return &*credentials_;
}

Result<> Registry::authorize(const HttpResponse& response, const std::string& refused, const std::stop_token& stop) {
  const std::lock_guard lock(authorize_mutex_);
  // Another thread met the same 401 and has answered it.
  if (authorization() != refused) return {};
  const std::vector<Challenge> challenges = challenges_in(response);
  const Challenge* bearer = find_scheme(challenges, "bearer");
  if (bearer != nullptr) return fetch_token(*bearer, stop).while_doing("logging in to ", reference_.host);
  if (find_scheme(challenges, "basic") == nullptr)
    return error_of_response(response, "logging in to " + reference_.host);
  const std::optional<Credentials>* found = TRY(credentials());
  if (!*found || (*found)->user.empty()) {
    return error(Kind::denied, "registry ", reference_.host, " wants a user and password, and none are configured for ",
                 repository_name(reference_));
  }
  if (basic(**found) == refused) {
    return error(Kind::denied, "registry ", reference_.host, " refuses the user '", (*found)->user, "'");
  }
  const std::lock_guard change(authorization_mutex_);
  authorization_ = basic(**found);
  return {};
}

Result<HttpRequest> Registry::token_request(const Challenge& challenge, const std::optional<Credentials>& credentials) {
  const std::string realm_text = parameter(challenge, "realm");
  Url realm = TRY(parse_url(realm_text).while_doing("its token server"));
  TRY(check_token_server(*base_url_, realm, options_.plain_http_hosts));
  const std::string service = parameter(challenge, "service");
  std::string scope = parameter(challenge, "scope");
  if (scope.empty()) scope = concat("repository:", reference_.repository, ":pull");
  HttpRequest request;
  if (credentials && !credentials->identity_token.empty()) {
    request.method = HttpRequest::Method::post_form;
    request.url = std::move(realm);
    request.form = concat("grant_type=refresh_token&service=", percent_encode(service),
                          "&client_id=tank&scope=", percent_encode(scope),
                          "&refresh_token=", percent_encode(credentials->identity_token));
    return request;
  }
  std::string query = "scope=" + percent_encode(scope);
  if (!service.empty()) query += "&service=" + percent_encode(service);
  request.url = TRY(parse_url(concat(realm.text, realm.text.find('?') == std::string::npos ? "?" : "&", query)));
  if (credentials) request.headers.push_back("Authorization: " + basic(*credentials));
  return request;
}

Result<> Registry::fetch_token(const Challenge& challenge, const std::stop_token& stop) {
  const std::optional<Credentials>* found = TRY(credentials());
  HttpRequest request = TRY(token_request(challenge, *found));
  std::string answer;
  request.on_body = [&](std::string_view bytes) -> Result<> {
    if (answer.size() + bytes.size() > kMaxTokenAnswer) return error(Kind::corrupt, "the token is too large");
    answer += bytes;
    return {};
  };
  const unsigned limit = std::max(1U, options_.max_attempts);
  for (unsigned attempt = 0;; ++attempt) {
    answer.clear();
    const Result<HttpResponse> response = perform(request, stop);
    const bool retry = response ? is_worth_retrying(response->status) : is_worth_retrying(response.error().kind());
    if (retry && attempt + 1 < limit) {
      TRY(pause_before_retry(attempt, response ? response->retry_after : std::nullopt, stop));
      continue;
    }
    if (!response) return response.error();
    // A redirect is not followed: it would carry credentials to where the registry did not send us.
    if (!response->is_success()) return error_of_response(*response, "token server " + request.url.host);
    break;
  }
  std::string token = TRY(token_in(answer).while_doing("answer of token server ", request.url.host));
  const std::lock_guard lock(authorization_mutex_);
  authorization_ = "Bearer " + std::move(token);
  return {};
}

}  // namespace tank::image
