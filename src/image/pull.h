// The pull: from an origin to an image that stands unpacked. Blobs are fetched side by side and each layer is unpacked
// as soon as its blob is there; index.json is changed last, so whoever finds an image there finds all of it.
#pragma once

#include <optional>
#include <string>

#include "image/origin.h"
#include "image/store.h"
#include "tank/image.h"

namespace tank::image {

struct PullNames {
  std::string reference;  ///< to be kept in the store
  std::string asked;      ///< as the caller wrote it
  std::string source;     ///< digest of what the reference named
};

/// `top` is what origin.top() gave.
Result<Image> pull(const Store& store, Origin& origin, const ReceivedDocument& top, const PullNames& names,
                   const PullOptions& options);

/// The image as it stands, from a few small reads: nothing is written, locked, or asked over the network. Unset when a
/// layer is not unpacked. Kind::not_found or Kind::corrupt when a document is missing or damaged.
Result<std::optional<Image>> assemble(const Store& store, const Entry& entry, const std::string& asked);

}  // namespace tank::image
