#include "image/http.h"

#include <algorithm>
#include <array>

#include "base/parse.h"
#include "image/curl.h"
#include "image/harmless.h"
#include "image/reference.h"
#include "sys/file.h"

namespace tank::image {

namespace {

constexpr std::size_t kMaxHeaders = std::size_t{128} << 10U;
constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10U;
constexpr std::size_t kMaxUrl = 16384;
constexpr long kSlowestBytesPerSecond = 64;

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

class UrlHandle {
 public:
  explicit UrlHandle(const Curl& curl) : curl_(curl), handle_(curl.url()) {}
  ~UrlHandle() { curl_.url_cleanup(handle_); }
  UrlHandle(const UrlHandle&) = delete;
  UrlHandle& operator=(const UrlHandle&) = delete;

  Result<> set(const std::string& text) {
    if (text.size() > kMaxUrl) return error(Kind::invalid, "URL of ", text.size(), " bytes is too long");
    // A handle that holds a URL already takes a new one as relative to it.
    const CURLUcode code = curl_.url_set(handle_, CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER);
    if (code != CURLUE_OK) {
      return error(Kind::invalid, "URL '", harmless(text, 200), "': ", curl_.url_strerror(code));
    }
    return {};
  }

  Result<Url> read() {
    curl_.url_set(handle_, CURLUPART_FRAGMENT, nullptr, 0);
    Url url;
    url.text = TRY(part(CURLUPART_URL));
    url.scheme = TRY(part(CURLUPART_SCHEME));
    url.host = TRY(part(CURLUPART_HOST));
    url.port = TRY(part(CURLUPART_PORT));
    url.host = lower_case(url.host);
    if (url.scheme != "http" && url.scheme != "https") {
      return error(Kind::invalid, "URL '", harmless(url.text, 200), "' is neither http nor https");
    }
    return url;
  }

 private:
  Result<std::string> part(CURLUPart which) {
    char* text = nullptr;
    const CURLUcode code = curl_.url_get(handle_, which, &text, which == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0U);
    if (code != CURLUE_OK) return error(Kind::invalid, "URL: ", curl_.url_strerror(code));
    std::string out = text;
    curl_.free(text);
    return out;
  }

  const Curl& curl_;
  CURLU* handle_;
};

// What the callbacks of one transfer share. They run inside curl_easy_perform, on the caller's thread.
struct Transfer {
  const HttpRequest& request;
  const HttpSettings& settings;
  HttpResponse response;
  std::optional<Error> failure;
  std::size_t header_bytes = 0;
  std::size_t error_bytes = 0;
  bool started = false;
  bool heard_enough = false;

  Result<> start() {
    if (started || !response.is_success()) return {};
    started = true;
    return request.on_start ? request.on_start(response) : Result<>{};
  }

  Result<> take(std::string_view bytes) {
    TRY(start());
    if (response.is_success()) return request.on_body ? request.on_body(bytes) : Result<>{};
    response.error_body.append(bytes.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, response.error_body.size())));
    error_bytes += bytes.size();
    heard_enough = error_bytes > kMaxErrorBody;
    return {};
  }

  void take_header(std::string_view line) {
    if (line.substr(0, 5) == "HTTP/") {
      response.headers.clear();
      const auto space = line.find(' ');
      if (space != std::string_view::npos) {
        response.status = parse_integer<long>(line.substr(space + 1, 3), 100, 999).value_or(0);
      }
      return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && static_cast<unsigned char>(value.back()) <= ' ') value.remove_suffix(1);
    response.headers.emplace_back(lower_case(line.substr(0, colon)), value);
  }
};

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.header_bytes += size * count;
  if (transfer.header_bytes > kMaxHeaders) {
    transfer.failure = error(Kind::corrupt, "the answer's headers are over ", kMaxHeaders, " bytes");
    return 0;
  }
  transfer.take_header({data, size * count});
  return size * count;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const Result<> taken = transfer.take({data, size * count});
  if (!taken) transfer.failure = taken.error();
  return taken && !transfer.heard_enough ? size * count : 0;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->settings.stop.stop_requested() ? 1 : 0;
}

Kind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return Kind::timeout;
    case CURLE_ABORTED_BY_CALLBACK: return Kind::aborted;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR: return Kind::denied;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return Kind::invalid;
    default: return Kind::unavailable;
  }
}

// The options that do not depend on what is asked.
void set_rules(const Curl& curl, CURL* handle, const HttpSettings& settings) {
  curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl.easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl.easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl.easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  curl.easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
  curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, kSlowestBytesPerSecond);
  curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings.stall_timeout.count()));
  curl.easy_setopt(handle, CURLOPT_BUFFERSIZE, 131072L);
  curl.easy_setopt(handle, CURLOPT_USERAGENT, "tank/0.1");
  curl.easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
}

// libcurl takes one file of authorities; an extra one is therefore appended to the system's.
Result<std::string> trusted_authorities(const std::filesystem::path& extra) {
  std::string bundle = TRY(sys::read_file(extra, std::size_t{4} << 20U).while_doing("certificate authorities"));
  const Result<std::string> system = sys::read_file("/etc/ssl/certs/ca-certificates.crt", std::size_t{8} << 20U);
  if (system) bundle += "\n" + *system;
  return bundle;
}

Result<> set_authorities(const Curl& curl, CURL* handle, const std::filesystem::path& extra) {
  if (extra.empty()) return {};
  const std::string bundle = TRY(trusted_authorities(extra));
  curl_blob blob{const_cast<char*>(bundle.data()), bundle.size(), CURL_BLOB_COPY};
  curl.easy_setopt(handle, CURLOPT_CAINFO_BLOB, &blob);
  return {};
}

void set_request(const Curl& curl, CURL* handle, const HttpRequest& request) {
  curl.easy_setopt(handle, CURLOPT_URL, request.url.text.c_str());
  // A proxy from the environment must never see what was meant for this machine.
  if (is_loopback(request.url.host)) curl.easy_setopt(handle, CURLOPT_NOPROXY, "*");
  if (request.method == HttpRequest::Method::head) curl.easy_setopt(handle, CURLOPT_NOBODY, 1L);
  if (request.method == HttpRequest::Method::post_form) {
    curl.easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.form.size()));
    curl.easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, request.form.c_str());
  }
}

void set_callbacks(const Curl& curl, CURL* handle, Transfer& transfer) {
  curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header);
  curl.easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
  curl.easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl.easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
}

}  // namespace

Result<Url> parse_url(const std::string& text) {
  const Curl* curl = TRY(load_curl());
  UrlHandle handle(*curl);
  TRY(handle.set(text));
  return handle.read();
}

Result<Url> resolve_url(const Url& base, const std::string& location) {
  const Curl* curl = TRY(load_curl());
  UrlHandle handle(*curl);
  TRY(handle.set(base.text));
  TRY(handle.set(location));
  return handle.read();
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
  return out;
}

bool HttpResponse::is_redirect() const {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? std::nullopt : std::optional<std::string>(found->second);
}

Result<std::unique_ptr<HttpSession>> HttpSession::open() {
  const Curl* curl = TRY(load_curl());
  CURL* handle = curl->easy_init();
  if (handle == nullptr) return error(Kind::kernel, "libcurl gives no handle");
  return std::unique_ptr<HttpSession>(new HttpSession(*curl, handle));
}

HttpSession::~HttpSession() { curl_.easy_cleanup(handle_); }

Result<HttpResponse> HttpSession::perform(const HttpRequest& request, const HttpSettings& settings) {
  if (settings.stop.stop_requested()) return error(Kind::aborted, "asked to stop");
  // Keeps the connections and drops all options of the request before.
  curl_.easy_reset(handle_);
  set_rules(curl_, handle_, settings);
  TRY(set_authorities(curl_, handle_, settings.ca_file));
  set_request(curl_, handle_, request);
  Transfer transfer{request, settings, {}, {}};
  set_callbacks(curl_, handle_, transfer);
  std::array<char, CURL_ERROR_SIZE> text{};
  curl_.easy_setopt(handle_, CURLOPT_ERRORBUFFER, text.data());
  curl_slist* list = nullptr;
  for (const std::string& header : request.headers) list = curl_.slist_append(list, header.c_str());
  curl_.easy_setopt(handle_, CURLOPT_HTTPHEADER, list);
  const CURLcode code = curl_.easy_perform(handle_);
  curl_.easy_setopt(handle_, CURLOPT_ERRORBUFFER, nullptr);
  curl_.slist_free_all(list);

  if (transfer.failure) return *std::move(transfer.failure);
  if (code != CURLE_OK && !transfer.heard_enough) {
    return error(kind_of(code), "talking to ", request.url.host, ":", request.url.port, ": ",
                 text[0] != '\0' ? text.data() : curl_.easy_strerror(code));
  }
  TRY(transfer.start());
  curl_off_t retry_after = 0;
  curl_.easy_getinfo(handle_, CURLINFO_RETRY_AFTER, &retry_after);
  if (retry_after > 0) transfer.response.retry_after = std::chrono::seconds(retry_after);
  return std::move(transfer.response);
}

}  // namespace tank::image
