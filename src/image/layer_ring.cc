#include "image/layer_ring.h"

namespace tank::image {

ChunkRing::ChunkRing(std::size_t chunks, std::size_t chunk_bytes) : chunks_(chunks) {
  for (Chunk& chunk : chunks_) chunk.bytes.resize(chunk_bytes);
}

std::span<char> ChunkRing::acquire() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || published_ - released_ < chunks_.size(); });
  if (stopped_) return {};
  return chunks_[published_ % chunks_.size()].bytes;
}

void ChunkRing::publish(std::size_t count) {
  const std::lock_guard lock(mutex_);
  chunks_[published_ % chunks_.size()].filled = count;
  ++published_;
  changed_.notify_all();
}

void ChunkRing::finish(End end) {
  const std::lock_guard lock(mutex_);
  if (!end_) end_ = end;
  changed_.notify_all();
}

std::optional<std::span<const char>> ChunkRing::next() {
  std::unique_lock lock(mutex_);
  if (reading_) {
    ++released_;
    reading_ = false;
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return published_ > released_ || end_; });
  if (end_ == End::broken) return std::nullopt;
  if (published_ == released_) return std::span<const char>();
  reading_ = true;
  const Chunk& chunk = chunks_[released_ % chunks_.size()];
  return std::span<const char>(chunk.bytes.data(), chunk.filled);
}

void ChunkRing::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace tank::image
