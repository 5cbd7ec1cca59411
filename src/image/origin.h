// Where an image comes from: the seam between the pull (pull.h) and registries, layouts and archives.
#pragma once

#include <stop_token>
#include <string>

#include "image/blob_writer.h"
#include "image/manifest.h"
#include "tank/result.h"

namespace tank::image {

/// A manifest or index as received.
struct ReceivedDocument {
  std::string bytes;
  std::string media_type;
  Digest digest;  ///< computed from the bytes
};

class Origin {
 public:
  virtual ~Origin() = default;

  /// The document that the reference names.
  virtual Result<ReceivedDocument> top() = 0;
  /// A manifest that an index names. The caller verifies it.
  virtual Result<ReceivedDocument> manifest(const Descriptor& descriptor) = 0;
  /// Writes the blob from writer.offset() on. Safe to call from several threads, for different blobs. Kind::aborted
  /// once it is asked to stop.
  virtual Result<> fetch(BlobWriter& writer, const std::stop_token& stop) = 0;
};

}  // namespace tank::image
