#include "image/local_origins.h"

#include <algorithm>

#include "image/config.h"
#include "image/harmless.h"
#include "image/json.h"

namespace tank::image {

namespace {

constexpr std::size_t kMaxListing = std::size_t{16} << 20U;

std::string blob_name(const Digest& digest) { return concat("blobs/", digest.algorithm_name(), "/", digest.hex()); }

Result<> stream_into(const ImageFiles& files, const std::string& name, BlobWriter& writer,
                     const std::stop_token& stop) {
  return files.stream(name, writer.offset(), [&](std::string_view bytes) -> Result<ImageFiles::More> {
    if (stop.stop_requested()) return error(Kind::aborted, "asked to stop");
    TRY(writer.write(bytes));
    return ImageFiles::More::yes;
  });
}

class LayoutOrigin : public Origin {
 public:
  LayoutOrigin(const ImageFiles& files, Descriptor descriptor) : files_(files), descriptor_(std::move(descriptor)) {}

  Result<ReceivedDocument> top() override { return manifest(descriptor_); }

  Result<ReceivedDocument> manifest(const Descriptor& descriptor) override {
    std::string bytes = TRY(files_.read(blob_name(descriptor.digest), kMaxManifest));
    const Digest digest = digest_of(bytes, descriptor.digest.algorithm());
    if (digest != descriptor.digest || bytes.size() != descriptor.size) {
      return error(Kind::corrupt, "blob ", to_string(descriptor.digest), " of the layout has other content");
    }
    return ReceivedDocument{std::move(bytes), descriptor.media_type, digest};
  }

  Result<> fetch(BlobWriter& writer, const std::stop_token& stop) override {
    return stream_into(files_, blob_name(writer.descriptor().digest), writer, stop);
  }

 private:
  const ImageFiles& files_;
  Descriptor descriptor_;
};

// A docker archive has no manifest of the image; one is written from its list, and is the same each time.
class DockerArchiveOrigin : public Origin {
 public:
  DockerArchiveOrigin(const ImageFiles& files, std::string config, std::vector<std::string> layers)
      : files_(files), config_name_(std::move(config)), layer_names_(std::move(layers)) {}

  Result<ReceivedDocument> top() override {
    const std::string config = TRY(files_.read(config_name_, kMaxConfig));
    const ImageConfig parsed = TRY(parse_image_config(config).while_doing("config '", harmless(config_name_), "'"));
    if (parsed.diff_ids.size() != layer_names_.size()) {
      return error(Kind::corrupt, "the config has ", parsed.diff_ids.size(), " diff_ids, the archive ",
                   layer_names_.size(), " layers");
    }
    boost::json::array layers;
    for (std::size_t i = 0; i < layer_names_.size(); ++i) {
      boost::json::object layer = TRY(describe_layer(layer_names_[i], parsed.diff_ids[i]));
      layers.push_back(std::move(layer));
    }
    const Digest config_digest = digest_of(config);
    files_by_digest_.emplace(config_digest, config_name_);
    boost::json::object manifest{{"schemaVersion", 2}};
    manifest["mediaType"] = kOciManifest;
    manifest["config"] = {{"mediaType", kOciConfig}, {"digest", to_string(config_digest)}, {"size", config.size()}};
    manifest["layers"] = std::move(layers);
    std::string bytes = boost::json::serialize(manifest);
    const Digest digest = digest_of(bytes);
    return ReceivedDocument{std::move(bytes), std::string(kOciManifest), digest};
  }

  Result<ReceivedDocument> manifest(const Descriptor&) override {
    return error(Kind::bug, "a docker archive has no index");
  }

  Result<> fetch(BlobWriter& writer, const std::stop_token& stop) override {
    const auto found = files_by_digest_.find(writer.descriptor().digest);
    if (found == files_by_digest_.end()) return error(Kind::not_found, "the archive has no such blob");
    return stream_into(files_, found->second, writer, stop);
  }

 private:
  // A plain tar's digest is its diff id, to be verified when it is read; a compressed one has to be read for it now.
  Result<boost::json::object> describe_layer(const std::string& name, const std::string& diff_id) {
    const std::string head = TRY(files_.beginning(name, 4));
    const std::uint64_t size = TRY(files_.size(name));
    std::string type(kOciLayerTar);
    if (head.substr(0, 2) == "\x1f\x8b") type += "+gzip";
    if (head == "\x28\xb5\x2f\xfd") type += "+zstd";
    Digest digest = TRY(parse_digest(diff_id));
    if (type != kOciLayerTar) digest = TRY(digest_of_file(name));
    files_by_digest_.emplace(digest, name);
    return boost::json::object{{"mediaType", type}, {"digest", to_string(digest)}, {"size", size}};
  }

  Result<Digest> digest_of_file(const std::string& name) {
    Hasher hasher(Digest::Algorithm::sha256);
    TRY(files_.stream(name, 0, [&](std::string_view bytes) -> Result<ImageFiles::More> {
      hasher.update(bytes);
      return ImageFiles::More::yes;
    }));
    return hasher.finish();
  }

  const ImageFiles& files_;
  std::string config_name_;
  std::vector<std::string> layer_names_;
  std::map<Digest, std::string> files_by_digest_;
};

class StoreOrigin : public Origin {
 public:
  StoreOrigin(const Store& store, const Entry& entry) : store_(store), entry_(entry) {}

  Result<ReceivedDocument> top() override { return manifest(entry_.manifest); }
  Result<ReceivedDocument> manifest(const Descriptor& descriptor) override {
    std::string bytes = TRY(store_.read_document(descriptor));
    return ReceivedDocument{std::move(bytes), descriptor.media_type, descriptor.digest};
  }
  Result<> fetch(BlobWriter& writer, const std::stop_token&) override {
    return error(Kind::not_found, "blob ", to_string(writer.descriptor().digest), " is not in the store");
  }

 private:
  const Store& store_;
  Entry entry_;
};

Result<ImageIndex> read_layout_index(const ImageFiles& files) {
  const std::string layout = TRY(files.read("oci-layout", 4096).while_doing("OCI layout"));
  const boost::json::object object = TRY(json::parse_object(layout).while_doing("oci-layout"));
  const std::string version = TRY(json::string(object, "imageLayoutVersion"));
  if (version.substr(0, 2) != "1.")
    return error(Kind::unsupported, "OCI layout of version '", harmless(version, 40), "'");
  const std::string text = TRY(files.read("index.json", kMaxListing).while_doing("OCI layout"));
  return parse_layout_index(text).while_doing("index.json of the OCI layout");
}

// {"Config": "…", "RepoTags": […], "Layers": […]} for each image.
Result<std::vector<boost::json::object>> read_docker_list(const ImageFiles& files) {
  const std::string text = TRY(files.read("manifest.json", kMaxListing).while_doing("docker archive"));
  const boost::json::object wrapped =
      TRY(json::parse_object(concat("{\"list\":", text, "}")).while_doing("manifest.json of the archive"));
  const boost::json::array* list = TRY(json::array(wrapped, "list"));
  std::vector<boost::json::object> out;
  if (list == nullptr) return out;
  for (const boost::json::value& element : *list) {
    if (!element.is_object()) return error(Kind::corrupt, "manifest.json of the archive is no list of objects");
    out.push_back(element.get_object());
  }
  return out;
}

Result<std::vector<OfferedImage>> images_in_layout(const ImageFiles& files) {
  const ImageIndex index = TRY(read_layout_index(files));
  std::vector<OfferedImage> out;
  for (std::size_t i = 0; i < index.manifests.size(); ++i) {
    OfferedImage image{{}, i};
    const auto& annotations = index.manifests[i].annotations;
    for (const char* key : {"org.opencontainers.image.ref.name", "io.containerd.image.name"}) {
      const auto name = annotations.find(key);
      if (name != annotations.end()) image.names.push_back(name->second);
    }
    out.push_back(std::move(image));
  }
  return out;
}

Result<std::vector<OfferedImage>> images_in_docker_archive(const ImageFiles& files) {
  const std::vector<boost::json::object> list = TRY(read_docker_list(files));
  std::vector<OfferedImage> out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    OfferedImage image{{}, i};
    image.names = TRY(json::strings(list[i], "RepoTags").while_doing("manifest.json of the archive"));
    out.push_back(std::move(image));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<ImageFiles>> open_image_files(const Reference& reference, const std::filesystem::path& data_dir,
                                                     const PullOptions& options) {
  if (reference.transport == Reference::Transport::oci) return open_directory_files(reference.path);
  return open_tar_files(reference.path, data_dir, options.max_layer_bytes);
}

Result<std::vector<OfferedImage>> offered_images(const ImageFiles& files, Reference::Transport transport) {
  const bool docker = transport == Reference::Transport::docker_archive;
  return docker ? images_in_docker_archive(files) : images_in_layout(files);
}

Result<OfferedImage> choose_image(const std::vector<OfferedImage>& offered, const std::string& tag) {
  if (offered.empty()) return error(Kind::not_found, "it holds no image");
  if (tag.empty() && offered.size() == 1) return offered.front();
  std::string choices;
  for (const OfferedImage& image : offered) {
    for (const std::string& name : image.names) {
      if (!tag.empty() && name == tag) return image;
      if (choices.size() < 1000) choices += concat(choices.empty() ? "'" : ", '", harmless(name, 200), "'");
    }
  }
  // What follows the file in docker-archive:FILE:NAME may be a short form of the name inside.
  const Result<Reference> wanted = parse_reference(tag);
  for (const OfferedImage& image : offered) {
    for (const std::string& name : image.names) {
      const Result<Reference> own = parse_reference(name);
      if (wanted && own && to_string(*wanted) == to_string(*own)) return image;
    }
  }
  if (choices.empty()) choices = "no names";
  if (tag.empty()) return error(Kind::invalid, "it holds ", offered.size(), " images, say which: ", choices);
  return error(Kind::not_found, "it holds no image '", tag, "', only ", choices);
}

Result<std::unique_ptr<Origin>> open_origin(const ImageFiles& files, Reference::Transport transport,
                                            const OfferedImage& image) {
  if (transport != Reference::Transport::docker_archive) {
    const ImageIndex index = TRY(read_layout_index(files));
    if (image.position >= index.manifests.size()) return error(Kind::corrupt, "the layout changed while it was read");
    return std::unique_ptr<Origin>(std::make_unique<LayoutOrigin>(files, index.manifests[image.position]));
  }
  const std::vector<boost::json::object> list = TRY(read_docker_list(files));
  if (image.position >= list.size()) return error(Kind::corrupt, "the archive changed while it was read");
  std::string config = TRY(json::string(list[image.position], "Config"));
  std::vector<std::string> layers = TRY(json::strings(list[image.position], "Layers"));
  return std::unique_ptr<Origin>(std::make_unique<DockerArchiveOrigin>(files, std::move(config), std::move(layers)));
}

std::unique_ptr<Origin> store_origin(const Store& store, const Entry& entry) {
  return std::make_unique<StoreOrigin>(store, entry);
}

}  // namespace tank::image
