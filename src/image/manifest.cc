#include "image/manifest.h"

#include <algorithm>
#include <array>

#include "image/harmless.h"
#include "image/json.h"

namespace tank::image {

namespace {

constexpr std::array<std::string_view, 11> kLayerTypes{
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

// What static web servers and old registries send for any JSON.
constexpr std::array<std::string_view, 4> kGenericTypes{"application/json", "application/octet-stream", "text/plain",
                                                        "binary/octet-stream"};

constexpr std::string_view kSchema1 = "application/vnd.docker.distribution.manifest.v1";

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

bool is_manifest_type(std::string_view type) { return type == kOciManifest || type == kDockerManifest; }
bool is_index_type(std::string_view type) { return type == kOciIndex || type == kDockerList; }

std::string without_parameters(std::string_view media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  while (!media_type.empty() && media_type.back() == ' ') media_type.remove_suffix(1);
  std::string out(media_type);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

Result<std::optional<Platform>> parse_platform(const boost::json::object& descriptor) {
  const boost::json::object* member = TRY(json::object(descriptor, "platform"));
  if (member == nullptr) return std::optional<Platform>();
  Platform platform;
  platform.os = TRY(json::string(*member, "os"));
  platform.architecture = TRY(json::string(*member, "architecture"));
  platform.variant = TRY(json::string(*member, "variant"));
  return std::optional<Platform>(std::move(platform));
}

Result<std::map<std::string, std::string>> parse_annotations(const boost::json::object& holder) {
  std::map<std::string, std::string> out;
  const boost::json::object* member = TRY(json::object(holder, "annotations"));
  if (member == nullptr) return out;
  for (const auto& [key, value] : *member) {
    if (!value.is_string()) return error(Kind::corrupt, "'annotations' has a value that is not a string");
    out.emplace(std::string(key), std::string(value.get_string()));
  }
  return out;
}

Result<Descriptor> parse_descriptor(const boost::json::value& value) {
  if (!value.is_object()) return error(Kind::corrupt, "it is not an object");
  const boost::json::object& object = value.get_object();
  const std::string digest_text = TRY(json::string(object, "digest"));
  const Result<Digest> digest = parse_digest(digest_text);
  if (!digest) return error(Kind::corrupt, digest.error().sentence());
  Descriptor descriptor{{}, *digest, 0, {}, {}};
  descriptor.media_type = TRY(json::string(object, "mediaType"));
  const std::optional<std::uint64_t> size = TRY(json::number(object, "size"));
  if (!size) return error(Kind::corrupt, "it has no size");
  // Sizes become file offsets.
  if (*size > (std::uint64_t{1} << 53U)) return error(Kind::corrupt, "its size of ", *size, " bytes cannot be");
  descriptor.size = *size;
  descriptor.platform = TRY(parse_platform(object));
  descriptor.annotations = TRY(parse_annotations(object));
  return descriptor;
}

Result<std::vector<Descriptor>> parse_descriptors(const boost::json::object& object, std::string_view key) {
  const boost::json::array* list = TRY(json::array(object, key));
  std::vector<Descriptor> out;
  if (list == nullptr) return out;
  for (const boost::json::value& element : *list) {
    Descriptor descriptor = TRY(parse_descriptor(element).while_doing(key, "[", out.size(), "]"));
    out.push_back(std::move(descriptor));
  }
  return out;
}

Result<Document> parse_manifest(const boost::json::object& object, std::string media_type) {
  const boost::json::value* config = json::find(object, "config");
  if (config == nullptr) return error(Kind::corrupt, "it has no config");
  Descriptor config_descriptor = TRY(parse_descriptor(*config).while_doing("config"));
  ImageManifest manifest{std::move(media_type), std::move(config_descriptor), {}};
  const std::string& type = manifest.config.media_type;
  if (type != kOciConfig && type != kDockerConfig) {
    return error(Kind::unsupported, "its config is of type '", harmless(type), "': it is no container image");
  }
  if (manifest.config.size > kMaxConfig) {
    return error(Kind::corrupt, "its config of ", manifest.config.size, " bytes is over the limit of ", kMaxConfig);
  }
  manifest.layers = TRY(parse_descriptors(object, "layers"));
  if (manifest.layers.size() > kMaxLayers) {
    return error(Kind::unsupported, "it has ", manifest.layers.size(), " layers; at most ", kMaxLayers,
                 " can be mounted");
  }
  for (const Descriptor& layer : manifest.layers) {
    if (!contains(kLayerTypes, layer.media_type)) {
      return error(Kind::unsupported, "layer ", to_string(layer.digest), " is of type '", harmless(layer.media_type),
                   "'");
    }
  }
  return Document(std::move(manifest));
}

// CVE-2021-41190: the same bytes must never be a manifest to one reader and an index to another.
Result<> check_shape(const boost::json::object& object, std::string_view type) {
  const bool has_layers = object.contains("layers") || object.contains("config");
  const bool has_manifests = object.contains("manifests");
  if (has_layers && has_manifests) {
    return error(Kind::corrupt, "it claims to be both a manifest and an index (CVE-2021-41190)");
  }
  if (is_manifest_type(type) && !has_layers) return error(Kind::corrupt, "it is no manifest, but is said to be");
  if (is_index_type(type) && !has_manifests) return error(Kind::corrupt, "it is no index, but is said to be");
  return {};
}

Result<std::string> settle_media_type(const boost::json::object& object, std::string_view said) {
  std::string own = TRY(json::string(object, "mediaType"));
  std::string outer = without_parameters(said);
  if (contains(kGenericTypes, outer)) outer.clear();
  const std::optional<std::uint64_t> schema = TRY(json::number(object, "schemaVersion"));
  if (schema == std::uint64_t{1} || outer.substr(0, kSchema1.size()) == kSchema1 || object.contains("fsLayers")) {
    return error(Kind::unsupported,
                 "it is a Docker schema 1 manifest, a format given up in 2019; push the image again");
  }
  if (schema != std::uint64_t{2}) return error(Kind::corrupt, "its schemaVersion is not 2");
  if (!own.empty() && !outer.empty() && own != outer) {
    return error(Kind::corrupt, "it says it is of type '", harmless(own), "', but was sent as '", harmless(outer), "'");
  }
  std::string type = own.empty() ? std::move(outer) : std::move(own);
  if (type.empty()) type = object.contains("manifests") ? kOciIndex : kOciManifest;
  if (!is_manifest_type(type) && !is_index_type(type)) {
    return error(Kind::unsupported, "its type '", harmless(type), "' is neither an image manifest nor an index");
  }
  return type;
}

bool is_attestation(const Descriptor& entry) {
  if (entry.annotations.count("vnd.docker.reference.type") != 0) return true;
  return entry.platform && entry.platform->os == "unknown" && entry.platform->architecture == "unknown";
}

std::string offered_platforms(const ImageIndex& index) {
  std::string out;
  std::size_t named = 0;
  for (const Descriptor& entry : index.manifests) {
    if (is_attestation(entry)) continue;
    if (++named > 20) return out + ", …";
    out += concat(out.empty() ? "" : ", ", entry.platform ? harmless(to_string(*entry.platform), 60) : "(unnamed)");
  }
  return out.empty() ? "nothing" : out;
}

void collect_digests(const boost::json::value& value, std::vector<Digest>& out) {
  if (const boost::json::array* list = value.if_array()) {
    for (const boost::json::value& element : *list) collect_digests(element, out);
  }
  const boost::json::object* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& [key, member] : *object) {
    if (key == "digest" && member.is_string()) {
      const boost::json::string& text = member.get_string();
      Result<Digest> digest = parse_digest({text.data(), text.size()});
      if (digest) out.push_back(*std::move(digest));
    }
    collect_digests(member, out);
  }
}

}  // namespace

std::vector<std::string_view> manifest_media_types() { return {kOciIndex, kOciManifest, kDockerList, kDockerManifest}; }

Result<Document> parse_document(std::string_view bytes, std::string_view media_type) {
  if (bytes.size() > kMaxManifest) return error(Kind::corrupt, "it is larger than ", kMaxManifest, " bytes");
  const boost::json::object object = TRY(json::parse_object(bytes));
  std::string type = TRY(settle_media_type(object, media_type));
  TRY(check_shape(object, type));
  if (is_manifest_type(type)) return parse_manifest(object, std::move(type));
  ImageIndex index{std::move(type), {}};
  index.manifests = TRY(parse_descriptors(object, "manifests"));
  return Document(std::move(index));
}

Result<Descriptor> select_manifest(const ImageIndex& index, const Platform& host) {
  const Descriptor* best = nullptr;
  int best_rank = -1;
  for (const Descriptor& entry : index.manifests) {
    if (is_attestation(entry) || !is_manifest_type(entry.media_type)) continue;
    // An unnamed platform ranks below every named one; the config is checked later in any case.
    const std::optional<int> rank = entry.platform ? match_platform(*entry.platform, host) : std::optional<int>(-1);
    if (!rank || (best != nullptr && *rank <= best_rank)) continue;
    best = &entry;
    best_rank = *rank;
  }
  if (best != nullptr) return *best;
  return error(Kind::unsupported, "the image is not offered for ", to_string(host), ", only for ",
               offered_platforms(index));
}

Result<ImageIndex> parse_layout_index(std::string_view bytes) {
  const boost::json::object object = TRY(json::parse_object(bytes));
  TRY(check_shape(object, kOciIndex));
  ImageIndex index{std::string(kOciIndex), {}};
  index.manifests = TRY(parse_descriptors(object, "manifests"));
  return index;
}

std::vector<Digest> digests_in(std::string_view bytes) {
  std::vector<Digest> out;
  const Result<boost::json::object> object = json::parse_object(bytes);
  if (object) collect_digests(*object, out);
  return out;
}

}  // namespace tank::image
