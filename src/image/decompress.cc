#include "image/decompress.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "sys/inode.h"

namespace tank::image {

namespace {

constexpr std::size_t kBuffer = 256 * 1024;

class PlainReader : public Decompressor {
 public:
  explicit PlainReader(BlobSource& source) : source_(source) {}

  Result<std::size_t> read(std::span<char> out) override {
    std::size_t filled = 0;
    while (filled < out.size()) {
      const std::span<const char> input = TRY(source_.peek());
      if (input.empty()) break;
      const std::size_t count = std::min(input.size(), out.size() - filled);
      std::memcpy(out.data() + filled, input.data(), count);
      source_.consume(count);
      filled += count;
    }
    return filled;
  }

 private:
  BlobSource& source_;
};

}  // namespace

BlobSource::BlobSource(const sys::Fd& blob) : blob_(blob), buffer_(kBuffer) {}

Result<std::span<const char>> BlobSource::peek(std::size_t least) {
  if (end_ - begin_ < least) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() < least) buffer_.resize(least);
    while (end_ < least) {
      const std::span<char> room = std::span(buffer_).subspan(end_);
      const std::size_t got = TRY(sys::read_at(blob_, room, offset_).while_doing("reading the layer's blob"));
      if (got == 0) break;
      end_ += got;
      offset_ += got;
    }
  }
  return std::span<const char>(buffer_.data() + begin_, end_ - begin_);
}

Result<Compression> detect_compression(std::span<const char> first_bytes) {
  const std::string_view bytes(first_bytes.data(), first_bytes.size());
  if (bytes.starts_with("\x1f\x8b")) return Compression::gzip;
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return Compression::zstd;
  // A skippable frame (0x184D2A50 … 5F) may open a zstd stream too; pzstd writes such ones.
  if (bytes.size() >= 4 && (bytes[0] & 0xf0) == 0x50 && bytes.substr(1, 3) == "\x2a\x4d\x18") return Compression::zstd;
  if (bytes.starts_with("\xfd"
                        "7zXZ"))
    return error(Kind::unsupported, "the layer is compressed with xz");
  if (bytes.starts_with("BZh")) return error(Kind::unsupported, "the layer is compressed with bzip2");
  return Compression::none;
}

Result<std::unique_ptr<Decompressor>> make_decompressor(BlobSource& source) {
  const std::span<const char> first_bytes = TRY(source.peek(8));
  const Compression compression = TRY(detect_compression(first_bytes));
  if (compression == Compression::gzip) return make_gzip_decompressor(source, Inflater::best);
  if (compression == Compression::zstd) return make_zstd_decompressor(source);
  return std::make_unique<PlainReader>(source);
}

}  // namespace tank::image
