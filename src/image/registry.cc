#include "image/registry.h"

#include <algorithm>
#include <random>

#include "image/harmless.h"
#include "image/pause.h"
#include "image/registry_policy.h"

namespace tank::image {

namespace {

constexpr int kMaxRedirects = 10;
// A broken transfer that got so much further has not failed: its tries are counted anew.
constexpr std::uint64_t kWorthwhileProgress = std::uint64_t{1} << 20U;

std::string accept_header() {
  std::string out = "Accept: ";
  for (const std::string_view type : manifest_media_types()) out += concat(out.back() == ' ' ? "" : ", ", type);
  return out;
}

std::chrono::milliseconds jittered(std::chrono::milliseconds delay) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return delay / 2 +
         std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, delay.count() / 2)(random));
}

}  // namespace

// One request as the callers below state it.
struct Registry::Exchange {
  std::stop_token stop;
  HttpRequest request;                ///< its headers without Authorization
  std::function<Result<>()> prepare;  ///< before every try; may be empty
  std::function<bool()> progressed;   ///< did the last try get far enough to begin counting anew? may be empty
};

Result<std::unique_ptr<Registry>> Registry::connect(const Reference& reference, const PullOptions& options,
                                                    const Patience& patience) {
  std::unique_ptr<Registry> registry(new Registry(reference, options, patience));
  TRY(registry->choose_scheme());
  return registry;
}

// Loopback addresses are asked in plain HTTP first, without credentials; one that turns out to speak TLS is spoken to
// in TLS, verified as everywhere. Others are spoken to in TLS, or in plain HTTP when configured so.
Result<> Registry::choose_scheme() {
  const std::string host = connect_host(reference_);
  const auto use = [&](const char* scheme) -> Result<> {
    base_ = concat(scheme, "://", host);
    base_url_ = TRY(parse_url(base_ + "/v2/"));
    return {};
  };
  const std::vector<std::string>& configured = options_.plain_http_hosts;
  const bool is_configured = std::find(configured.begin(), configured.end(), host) != configured.end() ||
                             std::find(configured.begin(), configured.end(), host_name(host)) != configured.end();
  if (is_configured) return use("http");
  if (!is_loopback(host)) return use("https");
  TRY(use("http"));
  HttpRequest ping;
  ping.url = *base_url_;
  const Result<HttpResponse> answer = perform(ping, options_.stop);
  if (!answer && answer.error().kind() == Kind::aborted) return answer.error();
  // A TLS server answers plain HTTP with 400 or hangs up; one that refuses connections does so either way.
  if (answer && answer->status != 400) return {};
  TRY(use("https"));
  ping.url = *base_url_;
  const Result<HttpResponse> encrypted = perform(ping, options_.stop);
  if (encrypted) return {};
  if (encrypted.error().kind() == Kind::denied) return encrypted.error();
  return use("http");
}

Result<HttpResponse> Registry::perform(const HttpRequest& request, const std::stop_token& stop) {
  std::unique_ptr<HttpSession> session;
  {
    const std::lock_guard lock(sessions_mutex_);
    if (!idle_sessions_.empty()) {
      session = std::move(idle_sessions_.back());
      idle_sessions_.pop_back();
    }
  }
  if (!session) session = TRY(HttpSession::open());
  const HttpSettings settings{options_.ca_file, patience_.connect_timeout, patience_.stall_timeout, stop};
  Result<HttpResponse> response = session->perform(request, settings);
  const std::lock_guard lock(sessions_mutex_);
  idle_sessions_.push_back(std::move(session));
  return response;
}

Result<> Registry::pause_before_retry(unsigned attempt, std::optional<std::chrono::seconds> asked,
                                      const std::stop_token& stop) {
  if (asked) {
    if (*asked > patience_.longest_retry_after) {
      return error(Kind::unavailable, "the registry asks to wait for ", asked->count(), " seconds");
    }
    return pause_for(*asked, stop);
  }
  const auto delay = patience_.first_back_off * (1U << std::min(attempt, 16U));
  return pause_for(jittered(std::min<std::chrono::milliseconds>(delay, patience_.longest_back_off)), stop);
}

Result<HttpResponse> Registry::send(Exchange& exchange) {
  const unsigned limit = std::max(1U, options_.max_attempts);
  for (unsigned attempt = 0;;) {
    if (exchange.prepare) TRY(exchange.prepare());
    Result<HttpResponse> response = try_once(exchange);
    const bool retry = response ? is_worth_retrying(response->status) : is_worth_retrying(response.error().kind());
    if (!retry) return response;
    if (exchange.progressed && exchange.progressed()) attempt = 0;
    if (++attempt >= limit) {
      return limit == 1 ? std::move(response) : std::move(response).while_doing("after ", limit, " tries");
    }
    TRY(pause_before_retry(attempt - 1, response ? response->retry_after : std::nullopt, exchange.stop));
  }
}

// A 401 from the registry itself is answered once with what it asks for.
Result<HttpResponse> Registry::try_once(Exchange& exchange) {
  const std::string used = authorization();
  Result<HttpResponse> response = follow_redirects(exchange, used);
  if (!response || response->status != 401) return response;
  TRY(authorize(*response, used, exchange.stop));
  response = follow_redirects(exchange, authorization());
  return response;
}

Result<HttpResponse> Registry::follow_redirects(Exchange& exchange, const std::string& authorization) {
  HttpRequest request = exchange.request;
  bool at_home = true;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    // Never again once we left, even when it leads back: what stands in between chose that URL.
    at_home = at_home && request.url.same_origin(*base_url_);
    request.headers = exchange.request.headers;
    if (at_home && !authorization.empty()) request.headers.push_back("Authorization: " + authorization);
    HttpResponse response = TRY(perform(request, exchange.stop));
    if (response.status == 401 && !at_home) {
      return error(Kind::denied, "the registry redirects to ", request.url.host, ", which wants a login of its own");
    }
    if (!response.is_redirect()) return response;
    const std::optional<std::string> location = response.header("location");
    if (!location) return error(Kind::unavailable, "the registry redirects to nowhere");
    Url next = TRY(resolve_url(request.url, *location).while_doing("following a redirect"));
    TRY(check_redirect(request.url, next, options_.plain_http_hosts));
    request.url = std::move(next);
  }
  return error(Kind::unavailable, "the registry redirects more than ", kMaxRedirects, " times");
}

Result<ReceivedDocument> Registry::get_manifest(const std::string& name) {
  const std::string doing = concat("getting manifest '", name, "' of ", repository_name(reference_));
  Exchange exchange{options_.stop, {}, {}, {}};
  exchange.request.url = TRY(parse_url(concat(base_, "/v2/", reference_.repository, "/manifests/", name)));
  exchange.request.headers.push_back(accept_header());
  std::string body;
  exchange.prepare = [&]() -> Result<> {
    body.clear();
    return {};
  };
  exchange.request.on_body = [&](std::string_view bytes) -> Result<> {
    if (body.size() + bytes.size() > kMaxManifest) {
      return error(Kind::corrupt, "it is larger than ", kMaxManifest, " bytes");
    }
    body += bytes;
    return {};
  };
  const HttpResponse response = TRY(send(exchange).while_doing(doing));
  if (!response.is_success()) return error_of_response(response, doing);
  const Digest digest = digest_of(body);
  const std::optional<std::string> said = response.header("docker-content-digest");
  if (said) {
    const Result<Digest> parsed = parse_digest(*said);
    if (!parsed || (parsed->algorithm() == digest.algorithm() && *parsed != digest)) {
      return error(Kind::corrupt, doing, ": its digest is ", to_string(digest), ", the registry says '",
                   harmless(*said), "'");
    }
  }
  return ReceivedDocument{std::move(body), response.header("content-type").value_or(""), digest};
}

Result<ReceivedDocument> Registry::top() {
  if (!reference_.digest) return get_manifest(reference_.tag);
  ReceivedDocument document = TRY(get_manifest(to_string(*reference_.digest)));
  document.digest = digest_of(document.bytes, reference_.digest->algorithm());
  if (document.digest != *reference_.digest) {
    return error(Kind::corrupt, "manifest of ", to_string(reference_), ": its digest is ", to_string(document.digest));
  }
  return document;
}

Result<ReceivedDocument> Registry::manifest(const Descriptor& descriptor) {
  return get_manifest(to_string(descriptor.digest));
}

Result<std::optional<Digest>> Registry::current_digest() {
  const std::string name = reference_.digest ? to_string(*reference_.digest) : reference_.tag;
  Exchange exchange{options_.stop, {}, {}, {}};
  exchange.request.method = HttpRequest::Method::head;
  exchange.request.url = TRY(parse_url(concat(base_, "/v2/", reference_.repository, "/manifests/", name)));
  exchange.request.headers.push_back(accept_header());
  const HttpResponse response =
      TRY(send(exchange).while_doing("asking for manifest '", name, "' of ", repository_name(reference_)));
  const std::optional<std::string> said = response.header("docker-content-digest");
  if (!response.is_success() || !said) return std::optional<Digest>();
  const Result<Digest> digest = parse_digest(*said);
  return digest ? std::optional<Digest>(*digest) : std::nullopt;
}

Result<> Registry::fetch(BlobWriter& writer, const std::stop_token& stop) {
  const Descriptor& blob = writer.descriptor();
  Exchange exchange{stop, {}, {}, {}};
  exchange.request.url =
      TRY(parse_url(concat(base_, "/v2/", reference_.repository, "/blobs/", to_string(blob.digest))));
  std::uint64_t counted_from = writer.offset();
  exchange.prepare = [&]() -> Result<> {
    exchange.request.headers.clear();
    if (writer.offset() > 0) exchange.request.headers.push_back(concat("Range: bytes=", writer.offset(), "-"));
    return {};
  };
  exchange.progressed = [&] {
    if (writer.offset() < counted_from + kWorthwhileProgress) return false;
    counted_from = writer.offset();
    return true;
  };
  exchange.request.on_start = [&](const HttpResponse& response) -> Result<> {
    const BodyStart start = TRY(check_blob_response(response, writer.offset(), blob.size));
    return start == BodyStart::at_zero && writer.offset() > 0 ? writer.restart() : Result<>{};
  };
  exchange.request.on_body = [&](std::string_view bytes) { return writer.write(bytes); };
  Result<HttpResponse> response = send(exchange);
  if (response && response->status == 416 && writer.offset() > 0) {
    TRY(writer.restart());
    response = send(exchange);
  }
  if (!response) return response.error();
  if (!response->is_success()) return error_of_response(*response, "getting it");
  return {};
}

}  // namespace tank::image
