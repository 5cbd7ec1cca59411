#include "image/credentials.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "image/base64.h"
#include "image/harmless.h"
#include "image/json.h"
#include "sys/file.h"
#include "sys/subprocess.h"

namespace tank::image {

namespace {

constexpr std::size_t kMaxAuthFile = std::size_t{1} << 20U;
constexpr std::size_t kMaxHelperOutput = std::size_t{64} << 10U;
constexpr std::chrono::seconds kHelperPatience{30};
constexpr std::string_view kDockerHubServer = "https://index.docker.io/v1/";

// Keys are written as "host", "host/path", "https://host/v1/": one form for all.
std::string canonical_key(std::string_view key) {
  for (const std::string_view scheme : {std::string_view("https://"), std::string_view("http://")}) {
    if (key.substr(0, scheme.size()) == scheme) key.remove_prefix(scheme.size());
  }
  const auto drop_end = [&](std::string_view end) {
    if (key.size() >= end.size() && key.substr(key.size() - end.size()) == end) key.remove_suffix(end.size());
  };
  drop_end("/");
  drop_end("/v1");
  drop_end("/v2");
  const auto slash = key.find('/');
  const std::string_view host = key.substr(0, slash);
  if (host == "index.docker.io" || host == "registry-1.docker.io") {
    return concat("docker.io", slash == std::string_view::npos ? std::string_view() : key.substr(slash));
  }
  return std::string(key);
}

bool is_prefix_of(std::string_view key, std::string_view name) {
  return name.substr(0, key.size()) == key && (name.size() == key.size() || name[key.size()] == '/');
}

Result<std::optional<Credentials>> parse_entry(const boost::json::object& entry) {
  Credentials found;
  found.user = TRY(json::string(entry, "username"));
  found.password = TRY(json::string(entry, "password"));
  found.identity_token = TRY(json::string(entry, "identitytoken"));
  const std::string encoded = TRY(json::string(entry, "auth"));
  if (!encoded.empty()) {
    const std::optional<std::string> pair = decode_base64(encoded);
    const auto colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos) return error(Kind::corrupt, "'auth' is not the base64 of USER:PASSWORD");
    found.user = pair->substr(0, colon);
    found.password = pair->substr(colon + 1);
    // Some writers pad the password with NUL bytes.
    found.password.erase(std::find(found.password.begin(), found.password.end(), '\0'), found.password.end());
  }
  if (found.user.empty() && found.identity_token.empty()) return std::optional<Credentials>();
  return std::optional<Credentials>(std::move(found));
}

Result<std::optional<Credentials>> longest_match(const boost::json::object& auths, std::string_view name) {
  std::optional<Credentials> best;
  std::size_t best_length = 0;
  for (const auto& [key, value] : auths) {
    const std::string canonical = canonical_key({key.data(), key.size()});
    if (!is_prefix_of(canonical, name) || canonical.size() <= best_length) continue;
    if (!value.is_object()) return error(Kind::corrupt, "auths: '", std::string_view(key), "' is not an object");
    std::optional<Credentials> entry =
        TRY(parse_entry(value.get_object()).while_doing("auths: '", std::string_view(key), "'"));
    if (!entry) continue;
    best = std::move(entry);
    best_length = canonical.size();
  }
  return best;
}

Result<CredentialSource> search(std::string_view text, std::string_view host, std::string_view repository) {
  const boost::json::object file = TRY(json::parse_object(text));
  CredentialSource source;
  source.server = host == "docker.io" ? kDockerHubServer : host;
  const boost::json::object* helpers = TRY(json::object(file, "credHelpers"));
  if (helpers != nullptr) {
    for (const auto& [key, value] : *helpers) {
      if (canonical_key({key.data(), key.size()}) != host) continue;
      source.helper = TRY(json::string(*helpers, key));
      if (!source.helper.empty()) return source;
    }
  }
  const boost::json::object* auths = TRY(json::object(file, "auths"));
  if (auths != nullptr) {
    source.credentials = TRY(longest_match(*auths, concat(host, "/", repository)));
    if (source.credentials) return source;
  }
  source.helper = TRY(json::string(file, "credsStore"));
  return source;
}

// The protocol of docker-credential-helpers: the server's name on standard input, JSON on standard output; "<token>" as
// the user marks an identity token; exit code 1 with this text means that it knows none.
Result<std::optional<Credentials>> ask_helper(const std::string& helper, const std::string& server) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (!std::all_of(helper.begin(), helper.end(), fits)) {
    return error(Kind::invalid, "credential helper '", harmless(helper, 100), "': not a plain name");
  }
  const std::string program = "docker-credential-" + helper;
  const sys::Captured said = TRY(sys::capture({program, "get"}, server, kMaxHelperOutput, kHelperPatience));
  if (said.exit_code != 0) {
    if (said.out.find("credentials not found") != std::string::npos) return std::optional<Credentials>();
    return error(Kind::denied, "'", program, " get' for '", server, "' ended with code ", said.exit_code);
  }
  const boost::json::object answer = TRY(json::parse_object(said.out).while_doing("answer of '", program, "'"));
  Credentials found;
  found.user = TRY(json::string(answer, "Username"));
  found.password = TRY(json::string(answer, "Secret"));
  if (found.user == "<token>") {
    found.identity_token = std::move(found.password);
    found.user.clear();
    found.password.clear();
  }
  if (found.user.empty() && found.identity_token.empty()) return std::optional<Credentials>();
  return std::optional<Credentials>(std::move(found));
}

Result<std::optional<Credentials>> look_up(std::string_view text, const Reference& reference) {
  CredentialSource source = TRY(find_in_auth_file(text, reference.host, reference.repository));
  if (source.credentials || source.helper.empty()) return std::move(source.credentials);
  return ask_helper(source.helper, source.server);
}

}  // namespace

Result<CredentialSource> find_in_auth_file(std::string_view text, std::string_view host, std::string_view repository) {
  Result<CredentialSource> found = search(text, host, repository);
  // The file is the user's own, so what is wrong with it is a request that makes no sense rather than damaged content.
  if (!found) return error(Kind::invalid, found.error().sentence());
  return found;
}

std::vector<std::filesystem::path> auth_files(const std::filesystem::path& chosen) {
  if (!chosen.empty()) return {chosen};
  std::vector<std::filesystem::path> out;
  const auto add = [&out](const char* variable, const char* below) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') out.push_back(std::filesystem::path(value) / below);
  };
  const char* file = std::getenv("REGISTRY_AUTH_FILE");
  if (file != nullptr && *file != '\0') out.emplace_back(file);
  add("XDG_RUNTIME_DIR", "containers/auth.json");
  add("DOCKER_CONFIG", "config.json");
  add("HOME", ".docker/config.json");
  return out;
}

Result<std::optional<Credentials>> find_credentials(const std::filesystem::path& chosen_file,
                                                    const Reference& reference) {
  for (const std::filesystem::path& path : auth_files(chosen_file)) {
    const Result<std::string> text = sys::read_file(path, kMaxAuthFile);
    if (!text && text.error().kind() == Kind::not_found && chosen_file.empty()) continue;
    if (!text) return text.error();
    std::optional<Credentials> found =
        TRY(look_up(*text, reference).while_doing("credentials file '", path.native(), "'"));
    if (found) return found;
  }
  return std::optional<Credentials>();
}

}  // namespace tank::image
