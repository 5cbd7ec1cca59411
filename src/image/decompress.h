// From the bytes of a layer blob to the bytes of its tar: gzip, zstd or nothing, told by the first bytes. A stream that
// stops early, that fails its own check sums, or that has bytes after its end is Kind::corrupt, never a shorter layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::image {

/// A blob read from its beginning, buffered. The descriptor's own offset is neither used nor moved.
class BlobSource {
 public:
  explicit BlobSource(const sys::Fd& blob);

  /// The bytes that come next: at least `least` of them, fewer only at the end of the blob. Valid until the next call.
  Result<std::span<const char>> peek(std::size_t least = 1);
  /// Steps over bytes that peek() showed.
  void consume(std::size_t count) { begin_ += count; }
  /// How many bytes have been stepped over.
  std::uint64_t consumed() const { return offset_ - (end_ - begin_); }

 private:
  const sys::Fd& blob_;
  std::uint64_t offset_ = 0;  ///< in the blob, of the first byte not read yet
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

class Decompressor {
 public:
  Decompressor() = default;
  virtual ~Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  /// Fills `out`; fewer bytes, and then 0, only at the sound end of the stream.
  virtual Result<std::size_t> read(std::span<char> out) = 0;
};

enum class Compression : std::uint8_t { none, gzip, zstd };

/// By the magic numbers of RFC 1952 and RFC 8878. Kind::unsupported for xz and bzip2, which no image format allows.
Result<Compression> detect_compression(std::span<const char> first_bytes);

/// The source must outlive the decompressor.
Result<std::unique_ptr<Decompressor>> make_decompressor(BlobSource& source);

/// Which code inflates gzip. ISA-L is several times faster than zlib; `best` takes it when the machine has it.
enum class Inflater : std::uint8_t { best, zlib, isal };
/// Kind::not_found for `isal` on a machine without ISA-L.
Result<std::unique_ptr<Decompressor>> make_gzip_decompressor(BlobSource& source, Inflater inflater);
Result<std::unique_ptr<Decompressor>> make_zstd_decompressor(BlobSource& source);

}  // namespace tank::image
