// Images: from a reference to layers on disk that can be mounted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "tank/pod.h"
#include "tank/result.h"

namespace tank {

/// The parts of an OCI image configuration that a run needs (OCI image-spec, config.md). Untrusted.
struct ImageConfig {
  std::string user;
  std::vector<std::string> env;
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::string stop_signal;
  std::map<std::string, std::string> labels;
  std::vector<std::string> volumes;  ///< declared paths, sorted
  std::string architecture;
  std::string os;
  std::string variant;
  std::vector<std::string> diff_ids;  ///< "sha256:…", lowest layer first
};

/// An image that stands on this machine, unpacked.
struct Image {
  std::string reference;  ///< as asked for
  std::string digest;     ///< of the manifest, "sha256:…"; empty for rootfs:
  std::string id;         ///< digest of the config, "sha256:…"; empty for rootfs:
  ImageConfig config;
  std::vector<std::filesystem::path> layers;  ///< unpacked directories, lowest first; never written to
};

/// One step forward in a pull. `layer` is a digest; totals are 0 when unknown.
struct PullProgress {
  enum class Stage : std::uint8_t { resolving, waiting, downloading, verifying, unpacking, done, cached };
  Stage stage = Stage::resolving;
  std::string layer;
  std::uint64_t current = 0;  ///< bytes
  std::uint64_t total = 0;    ///< bytes
};

struct PullOptions {
  /// Called from the pulling threads, one at a time. May be empty.
  std::function<void(const PullProgress&)> progress;
  /// Hosts ("name" or "name:port") spoken to in plain HTTP. Loopback addresses always may be.
  std::vector<std::string> plain_http_hosts;
  /// Extra certificate authorities in PEM, or empty.
  std::filesystem::path ca_file;
  /// Credentials file; empty: $REGISTRY_AUTH_FILE, then $XDG_RUNTIME_DIR/containers/auth.json, then
  /// $DOCKER_CONFIG/config.json, then ~/.docker/config.json.
  std::filesystem::path auth_file;
  /// Caps against decompression bombs.
  std::uint64_t max_layer_bytes = std::uint64_t{64} << 30U;  ///< unpacked, per layer
  std::uint64_t max_layer_entries = 4'000'000;
  unsigned max_attempts = 5;  ///< tries per request, with back-off
  /// Asked to stop, a pull ends within about a second with Kind::aborted; what was downloaded is kept for the next one.
  std::stop_token stop;
};

/// Makes sure the image stands unpacked below `data_dir` and says where. Follows Kubernetes' imagePullPolicy: with
/// if_not_present and never a cached image needs no network at all. Blocking; safe to call from several threads and
/// processes at once, which then share the work. Error kinds: invalid (reference), not_found, denied, unavailable,
/// timeout, corrupt, unsupported.
///
/// References: nginx, docker.io/library/nginx:1.27@sha256:…, localhost:5000/a/b, [::1]:5000/a, and the transports
/// oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG], rootfs:/ABSOLUTE/DIR.
Result<Image> ensure_image(const std::filesystem::path& data_dir, const std::string& reference, PullPolicy policy,
                           const PullOptions& options);

}  // namespace tank
