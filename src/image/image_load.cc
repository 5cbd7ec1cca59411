// tank/image_store.h: taking the images of an archive or layout into the store, under the names they have there or one
// of the caller's.
#include <algorithm>

#include "image/local_origins.h"
#include "image/pull.h"
#include "image/store.h"
#include "sys/file_stream.h"
#include "tank/image_store.h"

namespace tank {

namespace image {
namespace {

Result<Reference> guess_source(const std::filesystem::path& data_dir, const std::string& path,
                               const PullOptions& options) {
  Reference reference;
  reference.path = path;
  const sys::FileStatus status = TRY(sys::status_of_path(path));
  if (status.type == sys::FileType::directory) {
    reference.transport = Reference::Transport::oci;
    return reference;
  }
  // An archive of a newer `docker save` is both kinds; only manifest.json has the full names.
  reference.transport = Reference::Transport::docker_archive;
  const std::unique_ptr<ImageFiles> files = TRY(open_image_files(reference, data_dir, options));
  if (files->has("manifest.json")) return reference;
  reference.transport = Reference::Transport::oci_archive;
  if (files->has("oci-layout")) return reference;
  return error(Kind::invalid, "'", path, "' is neither a docker archive nor an OCI archive");
}

Result<Reference> find_source(const std::filesystem::path& data_dir, const std::string& source,
                              const PullOptions& options) {
  const bool is_path = source.find(':') == std::string::npos || sys::status_of_path(source).has_value();
  if (is_path) return guess_source(data_dir, source, options);
  Reference reference = TRY(parse_reference(source));
  if (reference.transport == Reference::Transport::registry || reference.transport == Reference::Transport::rootfs) {
    return error(Kind::invalid, "'", source, "' is no layout or archive to load from");
  }
  return reference;
}

// A bare tag, as most OCI layouts have, says nothing about the repository.
Result<std::vector<std::string>> full_names(const OfferedImage& image) {
  std::vector<std::string> out;
  for (const std::string& name : image.names) {
    if (name.find_first_of("/:") == std::string::npos) continue;
    const Result<Reference> reference = parse_reference(name);
    if (!reference || reference->transport != Reference::Transport::registry) continue;
    std::string full = to_string(*reference);
    if (std::find(out.begin(), out.end(), full) == out.end()) out.push_back(std::move(full));
  }
  if (out.empty()) return error(Kind::invalid, "an image in it has no full name; load it under a name of your own");
  return out;
}

Result<std::string> parse_own_name(const std::string& name) {
  const Reference reference = TRY(parse_reference(name));
  if (reference.transport != Reference::Transport::registry || reference.digest) {
    return error(Kind::invalid, "'", name, "' is no name with a tag");
  }
  return to_string(reference);
}

Result<std::vector<std::string>> load(const std::filesystem::path& data_dir, const Reference& source,
                                      const std::string& name, const PullOptions& options) {
  const std::unique_ptr<ImageFiles> files = TRY(open_image_files(source, data_dir, options));
  std::vector<OfferedImage> offered = TRY(offered_images(*files, source.transport));
  if (!source.tag.empty() || !name.empty()) {
    OfferedImage chosen = TRY(choose_image(offered, source.tag));
    if (!name.empty()) {
      std::string own_name = TRY(parse_own_name(name));
      chosen.names = {std::move(own_name)};
    }
    offered = {std::move(chosen)};
  }
  std::vector<std::string> loaded;
  for (const OfferedImage& image : offered) {
    const std::vector<std::string> names = TRY(full_names(image));
    const std::unique_ptr<Origin> origin = TRY(open_origin(*files, source.transport, image));
    const ReceivedDocument top = TRY(origin->top());
    const Store store = TRY(Store::open_for_writing(data_dir));
    for (const std::string& reference : names) {
      TRY(pull(store, *origin, top, {reference, reference, to_string(top.digest)}, options));
      loaded.push_back(reference);
    }
  }
  return loaded;
}

}  // namespace
}  // namespace image

Result<std::vector<std::string>> load_images(const std::filesystem::path& data_dir, const std::string& source,
                                             const std::string& name, const PullOptions& options) {
  const image::Reference reference = TRY(image::find_source(data_dir, source, options));
  return image::load(data_dir, reference, name, options).while_doing("loading '", source, "'");
}

}  // namespace tank
