#include "image/registry_policy.h"

#include <algorithm>

#include "base/parse.h"
#include "image/harmless.h"
#include "image/json.h"
#include "image/reference.h"

namespace tank::image {

namespace {

std::string host_and_port(const Url& url) { return url.host + ":" + url.port; }

Kind kind_of_status(long status) {
  if (status == 401 || status == 403) return Kind::denied;
  if (status == 404 || status == 410) return Kind::not_found;
  if (status == 408) return Kind::timeout;
  if (is_worth_retrying(status)) return Kind::unavailable;
  return status >= 400 && status < 500 ? Kind::invalid : Kind::unavailable;
}

// The "errors" list of the distribution specification; other bodies are not repeated.
std::string words_of(std::string_view body) {
  const Result<boost::json::object> object = json::parse_object(body);
  if (!object) return {};
  const Result<const boost::json::array*> errors = json::array(*object, "errors");
  if (!errors || *errors == nullptr || (*errors)->empty() || !(**errors)[0].is_object()) return {};
  const boost::json::object& first = (**errors)[0].get_object();
  return harmless(concat(json::string(first, "code").value_or(""), ": ", json::string(first, "message").value_or("")),
                  200);
}

std::optional<std::uint64_t> announced_length(const HttpResponse& response) {
  const std::optional<std::string> text = response.header("content-length");
  return text ? parse_integer<std::uint64_t>(*text) : std::nullopt;
}

// "bytes FIRST-LAST/TOTAL" (RFC 9110, 14.4), where TOTAL may be "*".
bool range_fits(std::string_view text, std::uint64_t offset, std::uint64_t size) {
  static constexpr std::string_view kUnit = "bytes ";
  if (text.substr(0, kUnit.size()) != kUnit) return false;
  text.remove_prefix(kUnit.size());
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return false;
  const auto first = parse_integer<std::uint64_t>(text.substr(0, dash));
  const auto last = parse_integer<std::uint64_t>(text.substr(dash + 1, slash - dash - 1));
  const std::string_view total = text.substr(slash + 1);
  return first == offset && last && *last < size && (total == "*" || parse_integer<std::uint64_t>(total) == size);
}

}  // namespace

bool may_speak_plain_http(std::string_view host, const std::vector<std::string>& configured) {
  if (is_loopback(host)) return true;
  return std::any_of(configured.begin(), configured.end(),
                     [&](const std::string& allowed) { return allowed == host || allowed == host_name(host); });
}

Result<> check_redirect(const Url& from, const Url& to, const std::vector<std::string>& plain_http_hosts) {
  if (to.scheme == "https") return {};
  if (from.scheme == "https") {
    return error(Kind::denied, host_and_port(from), " redirects from https to plain http at ", host_and_port(to));
  }
  if (!may_speak_plain_http(host_and_port(to), plain_http_hosts)) {
    return error(Kind::denied, host_and_port(from), " redirects to plain http at ", host_and_port(to),
                 ", which is neither this machine nor configured for it");
  }
  return {};
}

Result<> check_token_server(const Url& registry, const Url& realm, const std::vector<std::string>& plain_http_hosts) {
  if (realm.scheme == "https") return {};
  if (registry.scheme == "http" && may_speak_plain_http(host_and_port(realm), plain_http_hosts)) return {};
  return error(Kind::denied, "the registry's token server ", host_and_port(realm), " would be spoken to in plain http");
}

bool is_worth_retrying(Kind kind) { return kind == Kind::unavailable || kind == Kind::timeout; }

bool is_worth_retrying(long status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

Result<BodyStart> check_blob_response(const HttpResponse& response, std::uint64_t offset, std::uint64_t size) {
  const std::optional<std::uint64_t> length = announced_length(response);
  if (response.status == 206) {
    const std::string range = response.header("content-range").value_or("");
    if (offset == 0 || !range_fits(range, offset, size)) {
      return error(Kind::corrupt, "the registry answers with range '", harmless(range, 80), "' to a request for bytes ",
                   offset, "-", size);
    }
    return BodyStart::at_offset;
  }
  if (length && *length != size) {
    return error(Kind::corrupt, "the registry announces ", *length, " bytes, the descriptor says ", size);
  }
  return BodyStart::at_zero;
}

Error error_of_response(const HttpResponse& response, std::string_view doing) {
  const std::string words = words_of(response.error_body);
  return error(kind_of_status(response.status), doing, ": the registry answers ", response.status,
               words.empty() ? "" : " (", words, words.empty() ? "" : ")");
}

}  // namespace tank::image
