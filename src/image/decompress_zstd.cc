// zstd by libzstd's streaming interface: several frames one after the other, skippable frames passed over (estargz'
// cousin zstd:chunked keeps its table in one), the window capped so that a frame cannot ask for gigabytes of memory.
#include <zstd.h>
#include <zstd_errors.h>

#include "image/decompress.h"

namespace tank::image {

namespace {

// 128 MiB: what `zstd --ultra --long=27` makes, and the most that decoders are asked to accept by default.
constexpr int kMaxWindowLog = 27;

class ZstdReader : public Decompressor {
 public:
  ZstdReader(BlobSource& source, ZSTD_DCtx* context) : source_(source), context_(context) {}
  ~ZstdReader() override { ZSTD_freeDCtx(context_); }

  Result<std::size_t> read(std::span<char> out) override {
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos < output.size && !ended_) TRY(step(output));
    return output.pos;
  }

 private:
  Result<> step(ZSTD_outBuffer& output) {
    const std::span<const char> bytes = TRY(source_.peek());
    if (bytes.empty() && at_frame_end_) {
      ended_ = true;
      return {};
    }
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    const std::size_t before = output.pos;
    const std::size_t hint = ZSTD_decompressStream(context_, &output, &input);
    if (ZSTD_isError(hint) != 0) return refusal(hint);
    // With no input left, output may still be waiting inside; when nothing comes out either, the frame was cut.
    if (bytes.empty() && output.pos == before) {
      return error(Kind::corrupt, "the layer's zstd stream is truncated");
    }
    source_.consume(input.pos);
    at_frame_end_ = hint == 0;
    frames_ += hint == 0 ? 1 : 0;
    return {};
  }

  Error refusal(std::size_t code) const {
    if (frames_ > 0 && at_frame_end_ && ZSTD_getErrorCode(code) == ZSTD_error_prefix_unknown) {
      return error(Kind::corrupt, "the layer's zstd stream is followed by something else");
    }
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
      return error(Kind::unsupported, "the layer's zstd stream asks for a window of more than ",
                   std::uint64_t{1} << kMaxWindowLog, " bytes");
    }
    return error(Kind::corrupt, "the layer's zstd stream is damaged: ", ZSTD_getErrorName(code));
  }

  BlobSource& source_;
  ZSTD_DCtx* context_;
  bool at_frame_end_ = false;
  bool ended_ = false;
  std::uint64_t frames_ = 0;
};

}  // namespace

Result<std::unique_ptr<Decompressor>> make_zstd_decompressor(BlobSource& source) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  if (context == nullptr) return error(Kind::kernel, "starting zstd: out of memory");
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kMaxWindowLog);
  return std::make_unique<ZstdReader>(source, context);
}

}  // namespace tank::image
