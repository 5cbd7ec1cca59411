// What users write to name an image, taken apart (grammar: the distribution project's reference format). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "image/digest.h"
#include "tank/result.h"

namespace tank::image {

struct Reference {
  enum class Transport : std::uint8_t { registry, oci, oci_archive, docker_archive, rootfs };
  Transport transport = Transport::registry;

  // Of a registry.
  std::string host;        ///< with its port if one was written: "docker.io", "localhost:5000", "[::1]:5000"
  std::string repository;  ///< "library/nginx"

  std::string
      tag;  ///< "latest" when neither tag nor digest was written; of a transport: what follows the path, or empty
  std::optional<Digest> digest;

  // Of the other transports.
  std::string path;  ///< directory or file
};

/// nginx, docker.io/library/nginx:1.27@sha256:…, localhost:5000/a/b, [::1]:5000/a, docker://…, and the transports
/// oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG], rootfs:/ABSOLUTE/DIR. Error kind: invalid.
Result<Reference> parse_reference(std::string_view text);

/// The full form, which is also the name in the store: docker.io/library/nginx:latest. With a digest the tag is left
/// out, since the digest alone decides.
std::string to_string(const Reference& reference);

/// "host/repository".
std::string repository_name(const Reference& reference);

/// Where to connect: the host as written, but registry-1.docker.io for docker.io.
std::string connect_host(const Reference& reference);

/// The host without its port and brackets.
std::string host_name(std::string_view host);

/// 127.0.0.0/8, ::1 or localhost, with or without a port.
bool is_loopback(std::string_view host);

}  // namespace tank::image
