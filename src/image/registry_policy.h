// Who may be spoken to how, and who may see our credentials. Pure; each rule is one function with its own test.
//
// * TLS with verification, always, but for loopback addresses and the hosts configured for plain HTTP.
// * Our Authorization header goes to the registry's own origin only; once a redirect has left it, never again.
// * A redirect from https to http is refused, and so is one to a host that may not be spoken to in plain HTTP.
// * Only the registry itself may ask for authentication, not what it redirects to (CVE-2020-15157).
// * A token server is spoken to in plain HTTP only when the registry is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "image/http.h"
#include "image/manifest.h"
#include "tank/result.h"

namespace tank::image {

/// `host` with or without its port.
bool may_speak_plain_http(std::string_view host, const std::vector<std::string>& configured);

/// Error kind: denied.
Result<> check_redirect(const Url& from, const Url& to, const std::vector<std::string>& plain_http_hosts);
/// Error kind: denied.
Result<> check_token_server(const Url& registry, const Url& realm, const std::vector<std::string>& plain_http_hosts);

/// Is another try worth it?
bool is_worth_retrying(Kind kind);
bool is_worth_retrying(long status);

/// Does this answer continue the blob at `offset`, begin it anew, or fit not at all?
enum class BodyStart : std::uint8_t { at_offset, at_zero };
/// Kind::corrupt when the announced length or range does not fit the descriptor.
Result<BodyStart> check_blob_response(const HttpResponse& response, std::uint64_t offset, std::uint64_t size);

/// A failed answer as an error with the registry's own words, made harmless.
Error error_of_response(const HttpResponse& response, std::string_view doing);

}  // namespace tank::image
