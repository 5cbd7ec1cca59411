#include "support/image_builder.h"

#include <openssl/evp.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace tank::test {

namespace {

namespace json = boost::json;

constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kIndexType = "application/vnd.oci.image.index.v1+json";
constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";

std::string layer_type(Packing packing) {
  const std::string plain = "application/vnd.oci.image.layer.v1.tar";
  if (packing == Packing::gzip) return plain + "+gzip";
  return packing == Packing::zstd ? plain + "+zstd" : plain;
}

void write(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + file.native());
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("deflate");
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int outcome = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (outcome != Z_STREAM_END) throw std::runtime_error("deflate");
  return out;
}

std::string zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3);
  if (ZSTD_isError(size) != 0) throw std::runtime_error("zstd");
  out.resize(size);
  return out;
}

json::object descriptor(std::string_view media_type, std::string_view bytes) {
  return {{"mediaType", media_type}, {"digest", digest_of(bytes)}, {"size", bytes.size()}};
}

json::array strings(const std::vector<std::string>& from) {
  json::array out;
  for (const std::string& each : from) out.emplace_back(each);
  return out;
}

void write_blobs(const std::filesystem::path& directory, const std::map<std::string, std::string>& blobs) {
  const std::filesystem::path folder = directory / "blobs" / "sha256";
  std::filesystem::create_directories(folder);
  for (const auto& [digest, bytes] : blobs) write(folder / digest.substr(7), bytes);
}

/// Adds the descriptor to index.json under this tag, in place of one that had it.
void write_tag(const std::filesystem::path& directory, const std::string& tag, json::object entry) {
  write(directory / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  json::array manifests;
  std::ifstream before(directory / "index.json", std::ios::binary);
  if (before) {
    const std::string text{std::istreambuf_iterator<char>(before), {}};
    const json::value there = json::parse(text);
    for (const json::value& each : there.at("manifests").as_array()) {
      if (each.at("annotations").at("org.opencontainers.image.ref.name").as_string() != tag) manifests.push_back(each);
    }
  }
  entry["annotations"] = json::object{{"org.opencontainers.image.ref.name", tag}};
  manifests.emplace_back(std::move(entry));
  const json::object index{{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", std::move(manifests)}};
  write(directory / "index.json", json::serialize(index));
}

}  // namespace

std::string pack(std::string_view bytes, Packing packing) {
  if (packing == Packing::gzip) return gzip(bytes);
  return packing == Packing::zstd ? zstd(bytes) : std::string(bytes);
}

std::string digest_of(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("sha256");
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "sha256:";
  for (const unsigned char byte : digest) out += {kDigits[byte >> 4U], kDigits[byte & 0xfU]};
  return out;
}

ImageBuilder& ImageBuilder::layer(const TarBuilder& tar, Packing packing) { return layer_bytes(tar.bytes(), packing); }

ImageBuilder& ImageBuilder::layer_bytes(std::string tar, Packing packing) {
  layers_.push_back({digest_of(tar), pack(tar, packing), packing});
  return *this;
}

ImageBuilder& ImageBuilder::layer_from_directory(const std::filesystem::path& directory, Packing packing) {
  return layer(tar_of_directory(directory), packing);
}

ImageBuilder& ImageBuilder::cmd(std::vector<std::string> argv) {
  cmd_ = std::move(argv);
  return *this;
}
ImageBuilder& ImageBuilder::entrypoint(std::vector<std::string> argv) {
  entrypoint_ = std::move(argv);
  return *this;
}
ImageBuilder& ImageBuilder::env(std::vector<std::string> variables) {
  env_ = std::move(variables);
  return *this;
}
ImageBuilder& ImageBuilder::user(std::string user) {
  user_ = std::move(user);
  return *this;
}
ImageBuilder& ImageBuilder::working_dir(std::string path) {
  working_dir_ = std::move(path);
  return *this;
}
ImageBuilder& ImageBuilder::stop_signal(std::string signal) {
  stop_signal_ = std::move(signal);
  return *this;
}
ImageBuilder& ImageBuilder::label(std::string name, std::string value) {
  labels_[std::move(name)] = std::move(value);
  return *this;
}
ImageBuilder& ImageBuilder::volume(std::string path) {
  volumes_.push_back(std::move(path));
  return *this;
}
ImageBuilder& ImageBuilder::platform(std::string architecture, std::string os, std::string variant) {
  architecture_ = std::move(architecture);
  os_ = std::move(os);
  variant_ = std::move(variant);
  return *this;
}

std::string ImageBuilder::config_json() const {
  json::object run;
  if (!cmd_.empty()) run["Cmd"] = strings(cmd_);
  if (!entrypoint_.empty()) run["Entrypoint"] = strings(entrypoint_);
  if (!env_.empty()) run["Env"] = strings(env_);
  if (!user_.empty()) run["User"] = user_;
  if (!working_dir_.empty()) run["WorkingDir"] = working_dir_;
  if (!stop_signal_.empty()) run["StopSignal"] = stop_signal_;
  json::object labels;
  for (const auto& [name, value] : labels_) labels[name] = value;
  if (!labels.empty()) run["Labels"] = std::move(labels);
  json::object volumes;
  for (const std::string& path : volumes_) volumes[path] = json::object();
  if (!volumes.empty()) run["Volumes"] = std::move(volumes);

  json::object config{{"created", "2020-09-13T12:26:40Z"}, {"architecture", architecture_}, {"os", os_}};
  if (!variant_.empty()) config["variant"] = variant_;
  config["config"] = std::move(run);
  config["rootfs"] = json::object{{"type", "layers"}, {"diff_ids", strings(diff_ids())}};
  return json::serialize(config);
}

std::string ImageBuilder::manifest_json() const {
  json::array layers;
  for (const Layer& layer : layers_) layers.emplace_back(descriptor(layer_type(layer.packing), layer.blob));
  const json::object manifest{{"schemaVersion", 2},
                              {"mediaType", kManifestType},
                              {"config", descriptor(kConfigType, config_json())},
                              {"layers", std::move(layers)}};
  return json::serialize(manifest);
}

std::vector<std::string> ImageBuilder::diff_ids() const {
  std::vector<std::string> out;
  for (const Layer& layer : layers_) out.push_back(layer.diff_id);
  return out;
}

std::map<std::string, std::string> ImageBuilder::blobs() const {
  std::map<std::string, std::string> out;
  for (const Layer& layer : layers_) out[digest_of(layer.blob)] = layer.blob;
  for (const std::string& document : {config_json(), manifest_json()}) out[digest_of(document)] = document;
  return out;
}

std::string ImageBuilder::write_layout(const std::filesystem::path& directory, const std::string& tag) const {
  write_blobs(directory, blobs());
  const std::string manifest = manifest_json();
  write_tag(directory, tag, descriptor(kManifestType, manifest));
  return digest_of(manifest);
}

std::string ImageBuilder::write_index_layout(const std::filesystem::path& directory, const std::string& tag,
                                             const std::vector<ImageBuilder>& images) {
  json::array manifests;
  for (const ImageBuilder& image : images) {
    write_blobs(directory, image.blobs());
    json::object entry = descriptor(kManifestType, image.manifest_json());
    json::object platform{{"architecture", image.architecture_}, {"os", image.os_}};
    if (!image.variant_.empty()) platform["variant"] = image.variant_;
    entry["platform"] = std::move(platform);
    manifests.emplace_back(std::move(entry));
  }
  const std::string index = json::serialize(
      json::object{{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", std::move(manifests)}});
  write_blobs(directory, {{digest_of(index), index}});
  write_tag(directory, tag, descriptor(kIndexType, index));
  return digest_of(index);
}

void ImageBuilder::write_docker_archive(const std::filesystem::path& file, const std::string& tag) const {
  TarBuilder archive;
  const std::string config = config_json();
  const std::string config_name = digest_of(config).substr(7) + ".json";
  archive.file(config_name, config);
  json::array names;
  for (const Layer& layer : layers_) {
    if (layer.packing != Packing::plain)
      throw std::runtime_error("docker save writes plain layers: pass Packing::plain");
    const std::string name = layer.diff_id.substr(7) + "/layer.tar";
    // Two equal layers are one file.
    bool known = false;
    for (const json::value& each : names) known = known || each.as_string() == name;
    if (!known) archive.file(name, layer.blob);
    names.emplace_back(name);
  }
  const json::object image{{"Config", config_name}, {"RepoTags", json::array{tag}}, {"Layers", std::move(names)}};
  archive.file("manifest.json", json::serialize(json::array{image}));
  write(file, archive.bytes());
}

void ImageBuilder::write_oci_archive(const std::filesystem::path& file, const std::string& tag) const {
  TarBuilder archive;
  archive.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  json::object entry = descriptor(kManifestType, manifest_json());
  entry["annotations"] = json::object{{"org.opencontainers.image.ref.name", tag}};
  archive.file("index.json", json::serialize(json::object{
                                 {"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", json::array{entry}}}));
  archive.directory("blobs").directory("blobs/sha256");
  for (const auto& [digest, bytes] : blobs()) archive.file("blobs/sha256/" + digest.substr(7), bytes);
  write(file, archive.bytes());
}

}  // namespace tank::test
