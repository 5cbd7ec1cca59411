// One HTTP request and its answer. Redirects, retries and authentication are decided above (registry.h), where it is
// known who may see credentials; here nothing is followed and nothing is added.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tank/result.h"

namespace tank::image {

struct Curl;

/// An http or https URL, read by the same parser that will connect to it.
struct Url {
  std::string text;    ///< normalised, without user information and fragment
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case; IPv6 in brackets
  std::string port;

  /// Same scheme, host and port.
  bool same_origin(const Url& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};

/// Error kind: invalid, also for other schemes and for user information in it.
Result<Url> parse_url(const std::string& text);
/// A Location header seen from `base` (RFC 3986, 5).
Result<Url> resolve_url(const Url& base, const std::string& location);
/// Percent-encodes all but unreserved characters (RFC 3986, 2.3).
std::string percent_encode(std::string_view text);

struct HttpResponse {
  long status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case, in order
  std::string error_body;                                    ///< of an answer that is no success, cut to 64 KiB
  std::optional<std::chrono::seconds> retry_after;

  bool is_success() const { return status >= 200 && status < 300; }
  bool is_redirect() const;
  /// The first header of that name.
  std::optional<std::string> header(std::string_view name) const;
};

struct HttpRequest {
  enum class Method : std::uint8_t { get, head, post_form };
  Method method = Method::get;
  Url url;
  std::vector<std::string> headers;  ///< "Name: value"
  std::string form;
  /// Both are called for successes only: on_start once before the first byte, on_body for each piece. An error of
  /// theirs ends the request and is its result.
  std::function<Result<>(const HttpResponse&)> on_start;
  std::function<Result<>(std::string_view)> on_body;
};

struct HttpSettings {
  std::filesystem::path ca_file;  ///< trusted beside the system's; empty: none
  std::chrono::milliseconds connect_timeout{15000};
  /// A transfer slower than 64 bytes a second for so long is given up.
  std::chrono::seconds stall_timeout{30};
  std::stop_token stop;
};

/// A connection that is kept between requests. For one thread at a time.
class HttpSession {
 public:
  static Result<std::unique_ptr<HttpSession>> open();
  ~HttpSession();
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  /// Error kinds: unavailable and timeout (worth another try), denied (the certificate is not trusted), aborted,
  /// invalid, and what the callbacks return. A status of any kind is a response, not an error.
  Result<HttpResponse> perform(const HttpRequest& request, const HttpSettings& settings);

 private:
  HttpSession(const Curl& curl, void* handle) : curl_(curl), handle_(handle) {}
  const Curl& curl_;
  void* handle_;
};

}  // namespace tank::image
