#include "image/layer_unpack.h"

#include <array>
#include <exception>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "image/decompress.h"
#include "image/digest.h"
#include "image/layer_ring.h"
#include "image/layer_writer.h"
#include "image/tar_reader.h"

namespace tank::image {

namespace {

constexpr std::size_t kChunks = 16;
constexpr std::size_t kChunkBytes = 256 * 1024;

/// Runs one side of the pipeline; libraries' exceptions end here.
template <typename Work>
Result<> contained(Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return error(Kind::kernel, "unpacking a layer: out of memory");
  } catch (const std::exception& exception) {
    return error(Kind::bug, "unpacking a layer: ", exception.what());
  }
}

/// The consumer: what the second thread does.
Result<> write_files(sys::DirFd root, const LayerCaps& caps, ChunkRing& ring) {
  TRY(sys::clear_umask_of_thread());
  const auto source = [&ring]() -> Result<std::span<const char>> {
    const std::optional<std::span<const char>> chunk = ring.next();
    if (!chunk) return error(Kind::aborted, "the layer's stream broke off");
    return *chunk;
  };
  const std::unique_ptr<TarReader> tar = TRY(TarReader::open(source));
  LayerWriter writer(std::move(root), caps);
  return writer.write_all(*tar);
}

/// The producer; leaves the digest of what it produced. Succeeds early when the consumer has stopped, for then the
/// consumer has the error.
Result<> feed(const sys::Fd& blob, const LayerCaps& caps, const std::function<void(std::uint64_t)>& progress,
              ChunkRing& ring, std::string& digest) {
  BlobSource source(blob);
  const std::unique_ptr<Decompressor> decompressor = TRY(make_decompressor(source));
  Hasher hasher(Digest::Algorithm::sha256);
  std::uint64_t total = 0;
  for (;;) {
    if (caps.stop.stop_requested()) return error(Kind::aborted, "unpacking a layer: asked to stop");
    const std::span<char> chunk = ring.acquire();
    if (chunk.empty()) return {};
    const std::size_t count = TRY(decompressor->read(chunk));
    if (progress) progress(source.consumed());
    if (count == 0) break;
    total += count;
    if (total > caps.max_bytes) {
      return error(Kind::corrupt, "the layer unpacks to more than ", caps.max_bytes, " bytes");
    }
    hasher.update({chunk.data(), count});
    ring.publish(count);
  }
  digest = hasher.finish().hex();
  return {};
}

/// Both sides, to their end.
Result<> run_pipeline(sys::DirFd root, const std::string& diff_hex, const sys::Fd& blob, const LayerCaps& caps,
                      const std::function<void(std::uint64_t)>& progress) {
  ChunkRing ring(kChunks, kChunkBytes);
  Result<> written;
  std::thread writer([&ring, &written, &caps, root = std::move(root)]() mutable {
    written = contained([&] { return write_files(std::move(root), caps, ring); });
    ring.stop();
  });
  std::string digest;
  const Result<> fed = contained([&] { return feed(blob, caps, progress, ring, digest); });
  ring.finish(fed ? ChunkRing::End::complete : ChunkRing::End::broken);
  writer.join();
  // When both failed, the stream failed first if the files only met its breaking off.
  if (!fed && (written || written.error().kind() == Kind::aborted)) return fed;
  TRY(std::move(written));
  if (digest != diff_hex) {
    return error(Kind::corrupt, "the layer's content is sha256:", digest, ", not sha256:", diff_hex);
  }
  return {};
}

}  // namespace

Result<> unpack_layer(sys::DirFd root, const std::string& diff_hex, const sys::Fd& blob, const LayerCaps& caps,
                      const std::function<void(std::uint64_t)>& progress) {
  return contained([&] { return run_pipeline(std::move(root), diff_hex, blob, caps, progress); });
}

}  // namespace tank::image
