// Manifests and indexes: the documents between a reference and its blobs (OCI image-spec manifest.md, image-index.md,
// descriptor.md; Docker image manifest version 2, schema 2). Pure. All input is untrusted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "image/digest.h"
#include "image/platform.h"
#include "tank/result.h"

namespace tank::image {

inline constexpr std::size_t kMaxManifest = std::size_t{4} << 20U;
inline constexpr std::size_t kMaxConfig = std::size_t{8} << 20U;
/// overlayfs takes no more lower directories (OVL_MAX_STACK).
inline constexpr std::size_t kMaxLayers = 500;

inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kOciLayerTar = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";

/// One pointer to content. URLs in it are never followed and therefore not kept.
struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  std::optional<Platform> platform;
  std::map<std::string, std::string> annotations;
};

struct ImageManifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;  ///< lowest first
};

struct ImageIndex {
  std::string media_type;
  std::vector<Descriptor> manifests;
};

using Document = std::variant<ImageManifest, ImageIndex>;

/// What a registry's Accept header must list.
std::vector<std::string_view> manifest_media_types();

/// Reads a manifest or an index. `media_type` is what the sender or the descriptor said it is (parameters are ignored);
/// empty or a generic type leaves it to the document. A document that has the members of both, or says it is another
/// type than the sender says, is Kind::corrupt; schema 1 and artifacts that are no images are Kind::unsupported.
Result<Document> parse_document(std::string_view bytes, std::string_view media_type);

/// The entry of an index that runs best on `host`. Attestations are skipped. Kind::unsupported names what is offered.
Result<Descriptor> select_manifest(const ImageIndex& index, const Platform& host);

/// The index.json of a layout: like an index, but read by its shape alone.
Result<ImageIndex> parse_layout_index(std::string_view bytes);

/// Every digest a document points to, whatever kind of document it is; for finding what is still in use.
std::vector<Digest> digests_in(std::string_view bytes);

}  // namespace tank::image
