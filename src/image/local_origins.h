// Images that need no network: in an OCI layout, in a `docker save` archive, in our own store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "image/image_files.h"
#include "image/origin.h"
#include "image/store.h"

namespace tank::image {

/// One image of an OCI layout or docker archive and the names it carries there.
struct OfferedImage {
  std::vector<std::string> names;
  std::size_t position = 0;
};

/// What an OCI layout offers; a name is what its index.json says, possibly a bare tag. Error kinds: corrupt, not_found.
Result<std::vector<OfferedImage>> images_in_layout(const ImageFiles& files);
/// What a docker archive offers; names are its RepoTags.
Result<std::vector<OfferedImage>> images_in_docker_archive(const ImageFiles& files);

/// The one that carries this name, or the only one when `tag` is empty. Kind::invalid names the choices, Kind::not_found.
Result<OfferedImage> choose_image(const std::vector<OfferedImage>& offered, const std::string& tag);

/// `files` is borrowed.
Result<std::unique_ptr<Origin>> layout_origin(const ImageFiles& files, const OfferedImage& image);
Result<std::unique_ptr<Origin>> docker_archive_origin(const ImageFiles& files, const OfferedImage& image);

/// An image whose blobs stand in the store already; for unpacking again what was lost. `store` is borrowed.
std::unique_ptr<Origin> store_origin(const Store& store, const Entry& entry);

}  // namespace tank::image
