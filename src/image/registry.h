// A registry spoken to by the OCI distribution specification: manifests and blobs of one repository, with
// authentication, redirects, retries and resumption. The rules on who may see what stand in registry_policy.h.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "image/challenge.h"
#include "image/credentials.h"
#include "image/http.h"
#include "image/origin.h"
#include "image/reference.h"
#include "tank/image.h"

namespace tank::image {

/// How patient we are. Tests are less so.
struct Patience {
  std::chrono::milliseconds connect_timeout{15000};
  std::chrono::seconds stall_timeout{30};
  std::chrono::milliseconds first_back_off{250};  ///< doubled each time, with jitter
  std::chrono::milliseconds longest_back_off{20000};
  std::chrono::seconds longest_retry_after{120};  ///< a registry that wants us to wait longer is given up
};

class Registry : public Origin {
 public:
  /// Finds out how to speak to the registry (see registry_policy.h) and who we are to it. `options` is borrowed.
  static Result<std::unique_ptr<Registry>> connect(const Reference& reference, const PullOptions& options,
                                                   const Patience& patience);

  /// Kind::not_found, denied, corrupt, unavailable, timeout, aborted.
  Result<ReceivedDocument> top() override;
  Result<ReceivedDocument> manifest(const Descriptor& descriptor) override;
  Result<> fetch(BlobWriter& writer, const std::stop_token& stop) override;

  /// What the reference names now, told by a HEAD request; unset when the registry does not say.
  Result<std::optional<Digest>> current_digest();

 private:
  struct Exchange;

  Registry(const Reference& reference, const PullOptions& options, const Patience& patience)
      : reference_(reference), options_(options), patience_(patience) {}

  Result<> choose_scheme();
  Result<ReceivedDocument> get_manifest(const std::string& name);
  /// One request with all that belongs to it: authentication, redirects, retries.
  Result<HttpResponse> send(Exchange& exchange);
  Result<HttpResponse> try_once(Exchange& exchange);
  Result<HttpResponse> follow_redirects(Exchange& exchange, const std::string& authorization);
  Result<HttpResponse> perform(const HttpRequest& request, const std::stop_token& stop);
  Result<> pause_before_retry(unsigned attempt, std::optional<std::chrono::seconds> asked, const std::stop_token& stop);

  std::string authorization();
  /// Makes authorization() differ from what was `refused`, or says why it cannot.
  Result<> authorize(const HttpResponse& response, const std::string& refused, const std::stop_token& stop);
  Result<> fetch_token(const Challenge& challenge, const std::stop_token& stop);
  Result<HttpRequest> token_request(const Challenge& challenge, const std::optional<Credentials>& credentials);
  Result<const std::optional<Credentials>*> credentials();

  Reference reference_;
  const PullOptions& options_;
  Patience patience_;
  std::string base_;  ///< "https://host:port"
  std::optional<Url> base_url_;

  std::mutex sessions_mutex_;
  std::vector<std::unique_ptr<HttpSession>> idle_sessions_;

  std::mutex authorize_mutex_;  ///< held while a token is fetched, so that one is fetched for all
  std::optional<std::optional<Credentials>> credentials_;
  std::mutex authorization_mutex_;
  std::string authorization_;  ///< "Bearer …" or "Basic …" or empty
};

}  // namespace tank::image
