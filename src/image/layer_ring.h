// The bounded ring between the thread that decompresses a layer and the thread that writes its files. Either side may
// stop at any moment; the other then wakes up and stops as well, so a crafted layer cannot leave one waiting for the
// other (CVE-2021-20291 was that).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace tank::image {

class ChunkRing {
 public:
  ChunkRing(std::size_t chunks, std::size_t chunk_bytes);

  /// Producer: waits for a free chunk to fill. Empty when the consumer has stopped.
  std::span<char> acquire();
  /// Producer: hands over the first `count` (more than 0) bytes of the chunk acquired last.
  void publish(std::size_t count);
  enum class End : std::uint8_t { complete, broken };
  /// Producer: there will be no more. Only a complete end looks like one to the consumer.
  void finish(End end);

  /// Consumer: waits for the next chunk and gives back the one before. Empty at the complete end, nothing when the
  /// producer broke off.
  std::optional<std::span<const char>> next();
  /// Consumer: wants no more.
  void stop();

 private:
  struct Chunk {
    std::vector<char> bytes;
    std::size_t filled = 0;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Chunk> chunks_;
  std::size_t published_ = 0;  ///< chunks ever handed over
  std::size_t released_ = 0;   ///< chunks ever given back
  bool reading_ = false;       ///< the consumer holds chunk `released_`
  bool stopped_ = false;
  std::optional<End> end_;
};

}  // namespace tank::image
