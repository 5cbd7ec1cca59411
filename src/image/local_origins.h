// Images that need no network: in an OCI layout, in a `docker save` archive, in our own store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "image/image_files.h"
#include "image/origin.h"
#include "image/reference.h"
#include "image/store.h"
#include "tank/image.h"

namespace tank::image {

/// One image of an OCI layout or docker archive and the names it carries there.
struct OfferedImage {
  std::vector<std::string> names;
  std::size_t position = 0;
};

/// The files behind oci:, oci-archive: or docker-archive:.
Result<std::unique_ptr<ImageFiles>> open_image_files(const Reference& reference, const std::filesystem::path& data_dir,
                                                     const PullOptions& options);

/// What they offer. Names are RepoTags in a docker archive, what index.json says in an OCI layout: possibly a bare tag.
/// Error kinds: corrupt, not_found, unsupported.
Result<std::vector<OfferedImage>> offered_images(const ImageFiles& files, Reference::Transport transport);

/// The one that carries this name, or the only one when `tag` is empty. Kind::invalid names the choices,
/// Kind::not_found.
Result<OfferedImage> choose_image(const std::vector<OfferedImage>& offered, const std::string& tag);

/// `files` is borrowed.
Result<std::unique_ptr<Origin>> open_origin(const ImageFiles& files, Reference::Transport transport,
                                            const OfferedImage& image);

/// An image whose blobs stand in the store already; for unpacking again what was lost. `store` is borrowed.
std::unique_ptr<Origin> store_origin(const Store& store, const Entry& entry);

}  // namespace tank::image
