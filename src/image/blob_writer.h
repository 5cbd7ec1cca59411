// A blob on its way into the store: written aside, digested as the bytes pass, never longer than announced.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "image/digest.h"
#include "image/manifest.h"
#include "sys/fd.h"
#include "tank/result.h"

namespace tank::image {

class BlobWriter {
 public:
  /// Goes on where an earlier writer of the same file was interrupted: what is there is read and digested again.
  static Result<BlobWriter> resume(sys::Fd file, const Descriptor& descriptor);

  const Descriptor& descriptor() const { return descriptor_; }
  /// Bytes that are there.
  std::uint64_t offset() const { return offset_; }

  /// Kind::corrupt when more comes than the descriptor says.
  Result<> write(std::string_view bytes);
  /// Forgets everything written.
  Result<> restart();
  /// Size and digest as promised? Kind::corrupt when not. Then synced to disk.
  Result<> finish();

  /// Called with offset() after each write. May be empty.
  std::function<void(std::uint64_t)> progress;

 private:
  BlobWriter(sys::Fd file, const Descriptor& descriptor)
      : file_(std::move(file)), descriptor_(descriptor), hasher_(descriptor.digest.algorithm()) {}
  sys::Fd file_;
  Descriptor descriptor_;
  Hasher hasher_;
  std::uint64_t offset_ = 0;
};

}  // namespace tank::image
