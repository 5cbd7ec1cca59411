// gzip (RFC 1952), any number of members, by ISA-L's igzip where the machine has it and by zlib where not. Both check
// every member's CRC and length; both must give the same bytes and refuse the same streams.
#include <zlib.h>

#include <isa-l/igzip_lib.h>

#include <string_view>

#include "image/decompress.h"
#include "sys/dynamic_library.h"

namespace tank::image {

namespace {

Error truncated() { return error(Kind::corrupt, "the layer's gzip stream is truncated"); }
Error damaged(std::string_view why) { return error(Kind::corrupt, "the layer's gzip stream is damaged: ", why); }

enum class After : std::uint8_t { end, member };

/// What stands behind a member: nothing, or the next one. Unlike gzip(1) we pass over no padding: nobody who writes
/// layers pads them, and the blob's digest covers what we would not have looked at.
Result<After> after_member(BlobSource& source) {
  const std::span<const char> next = TRY(source.peek(2));
  if (next.empty()) return After::end;
  if (std::string_view(next.data(), next.size()).starts_with("\x1f\x8b")) return After::member;
  return error(Kind::corrupt, "the layer's gzip stream is followed by something else");
}

class ZlibReader : public Decompressor {
 public:
  explicit ZlibReader(BlobSource& source) : source_(source) {}
  ~ZlibReader() override { inflateEnd(&stream_); }

  Result<> start() {
    // 15 bits of window, and 16 for "gzip wrapper only".
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) return error(Kind::kernel, "starting zlib: out of memory");
    return {};
  }

  Result<std::size_t> read(std::span<char> out) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    while (stream_.avail_out > 0 && !ended_) TRY(step());
    return out.size() - stream_.avail_out;
  }

 private:
  Result<> step() {
    const std::span<const char> input = TRY(source_.peek());
    if (input.empty()) return truncated();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    const int outcome = inflate(&stream_, Z_NO_FLUSH);
    source_.consume(input.size() - stream_.avail_in);
    if (outcome == Z_MEM_ERROR) return error(Kind::kernel, "inflating a layer: out of memory");
    if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) {
      return damaged(stream_.msg != nullptr ? stream_.msg : "it asks for a preset dictionary");
    }
    if (outcome == Z_STREAM_END) {
      const After after = TRY(after_member(source_));
      if (after == After::end) ended_ = true;
      inflateReset(&stream_);
    }
    return {};
  }

  BlobSource& source_;
  z_stream stream_{};
  bool ended_ = false;
};

/// The three functions of libisal that we use, found at run time. The structure's layout is the soname's promise.
struct Isal {
  decltype(&isal_inflate_init) init = nullptr;
  decltype(&isal_inflate_reset) reset = nullptr;
  decltype(&isal_inflate) inflate = nullptr;
};

Result<Isal> load_isal() {
  const sys::DynamicLibrary library = TRY(sys::DynamicLibrary::load("libisal.so.2"));
  Isal isal;
  isal.init = TRY(library.function<decltype(isal_inflate_init)>("isal_inflate_init"));
  isal.reset = TRY(library.function<decltype(isal_inflate_reset)>("isal_inflate_reset"));
  isal.inflate = TRY(library.function<decltype(isal_inflate)>("isal_inflate"));
  return isal;
}

const Result<Isal>& isal_of_this_machine() {
  static const Result<Isal> isal = load_isal();
  return isal;
}

std::string_view reason(int code) {
  switch (code) {
    case ISAL_INVALID_BLOCK: return "invalid block";
    case ISAL_INVALID_SYMBOL: return "invalid symbol";
    case ISAL_INVALID_LOOKBACK: return "distance too far back";
    case ISAL_INVALID_WRAPPER: return "invalid header";
    case ISAL_UNSUPPORTED_METHOD: return "unknown compression method";
    case ISAL_INCORRECT_CHECKSUM: return "incorrect check sum or length";
    default: return "unknown failure";
  }
}

class IsalReader : public Decompressor {
 public:
  IsalReader(BlobSource& source, const Isal& isal)
      : source_(source), isal_(isal), state_(std::make_unique<inflate_state>()) {
    isal_.init(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }

  Result<std::size_t> read(std::span<char> out) override {
    state_->next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state_->avail_out = static_cast<std::uint32_t>(out.size());
    while (state_->avail_out > 0 && !ended_) TRY(step());
    return out.size() - state_->avail_out;
  }

 private:
  Result<> step() {
    const std::span<const char> input = TRY(source_.peek());
    const std::uint32_t room = state_->avail_out;
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(input.data()));
    state_->avail_in = static_cast<std::uint32_t>(input.size());
    const int outcome = isal_.inflate(state_.get());
    source_.consume(input.size() - state_->avail_in);
    if (outcome != ISAL_DECOMP_OK && outcome != ISAL_END_INPUT) return damaged(reason(outcome));
    if (state_->block_state == ISAL_BLOCK_FINISH) return next_member();
    // It keeps up to eight bytes of input and a window of output inside: only a step that gives nothing is the end.
    if (input.empty() && state_->avail_out == room) return truncated();
    return {};
  }

  Result<> next_member() {
    const After after = TRY(after_member(source_));
    if (after == After::end) {
      ended_ = true;
      return {};
    }
    isal_.reset(state_.get());
    state_->crc_flag = ISAL_GZIP;
    return {};
  }

  BlobSource& source_;
  Isal isal_;
  std::unique_ptr<inflate_state> state_;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<Decompressor>> make_gzip_decompressor(BlobSource& source, Inflater inflater) {
  if (inflater != Inflater::zlib) {
    const Result<Isal>& isal = isal_of_this_machine();
    if (isal) return std::make_unique<IsalReader>(source, *isal);
    if (inflater == Inflater::isal) return Error(isal.error());
  }
  auto reader = std::make_unique<ZlibReader>(source);
  TRY(reader->start());
  return std::unique_ptr<Decompressor>(std::move(reader));
}

}  // namespace tank::image
