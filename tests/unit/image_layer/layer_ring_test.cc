// The ring between the two threads: order is kept, and either side may stop while the other waits.
#include "image/layer_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace tank::image {
namespace {

TEST(ChunkRing, KeepsTheOrder) {
  ChunkRing ring(3, 16);
  std::string received;
  std::thread consumer([&] {
    for (;;) {
      const auto chunk = ring.next();
      if (!chunk || chunk->empty()) return;
      received.append(chunk->data(), chunk->size());
    }
  });
  std::string sent;
  for (int count = 0; count < 1000; ++count) {
    const std::string part = std::to_string(count) + ' ';
    const std::span<char> chunk = ring.acquire();
    ASSERT_GE(chunk.size(), part.size());
    std::copy(part.begin(), part.end(), chunk.begin());
    ring.publish(part.size());
    sent += part;
  }
  ring.finish(ChunkRing::End::complete);
  consumer.join();
  EXPECT_EQ(received, sent);
}

TEST(ChunkRing, AStoppedConsumerWakesTheProducer) {
  ChunkRing ring(2, 16);
  std::thread producer([&] {
    while (!ring.acquire().empty()) ring.publish(1);
  });
  ASSERT_TRUE(ring.next());
  ring.stop();
  producer.join();
}

TEST(ChunkRing, ABrokenProducerWakesTheConsumer) {
  ChunkRing ring(2, 16);
  std::optional<std::span<const char>> last = std::span<const char>();
  std::thread consumer([&] {
    do last = ring.next();
    while (last && !last->empty());
  });
  ring.acquire();
  ring.publish(1);
  ring.finish(ChunkRing::End::broken);
  consumer.join();
  EXPECT_FALSE(last);
}

TEST(ChunkRing, TheCompleteEndComesAfterTheLastChunk) {
  ChunkRing ring(2, 16);
  ring.acquire();
  ring.publish(5);
  ring.finish(ChunkRing::End::complete);
  EXPECT_EQ(ring.next()->size(), 5U);
  EXPECT_TRUE(ring.next()->empty());
  EXPECT_TRUE(ring.next()->empty());
}

}  // namespace
}  // namespace tank::image
