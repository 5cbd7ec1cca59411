// Who we are to a registry: the credential files that docker, podman and skopeo share, and credential helpers.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/reference.h"
#include "tank/result.h"

namespace tank::image {

struct Credentials {
  std::string user;
  std::string password;
  std::string identity_token;  ///< set: an OAuth2 refresh token, to be used instead of user and password
};

/// What a credential file says of one repository: the credentials themselves, or the helper to ask.
struct CredentialSource {
  std::optional<Credentials> credentials;
  std::string helper;  ///< "X" of docker-credential-X
  std::string server;  ///< what to tell the helper
};

/// Pure. Order: credHelpers for the host, then the longest matching prefix in auths, then credsStore. Error kind:
/// invalid.
Result<CredentialSource> find_in_auth_file(std::string_view text, std::string_view host, std::string_view repository);

/// The files that are looked at, in order, as include/tank/image.h says.
std::vector<std::filesystem::path> auth_files(const std::filesystem::path& chosen);

/// The credentials for this reference, if there are any. A chosen file that is missing is an error, the default ones
/// may be.
Result<std::optional<Credentials>> find_credentials(const std::filesystem::path& chosen_file,
                                                    const Reference& reference);

}  // namespace tank::image
