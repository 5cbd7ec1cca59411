// Waiting: an eventfd(2) to wake a thread, and poll(2) over descriptors that are owned elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// A counter another thread can raise to wake a poll.
class EventFd : public Fd {
 public:
  using Fd::Fd;
  static Result<EventFd> create();
  /// Makes it readable. Never blocks.
  void raise() const;
  /// Makes it unreadable again.
  void drain() const;
};

/// Waits until one of the descriptors is readable (or its other side is gone) or the time is up; unset waits for ever.
/// Says for each, in order, whether it is. Negative numbers are never readable. EINTR is waited through.
Result<std::vector<bool>> wait_readable(const std::vector<int>& descriptors,
                                        std::optional<std::chrono::milliseconds> patience);
/// The same, or until `writable` takes bytes: one more answer at the end.
Result<std::vector<bool>> wait_readable_or_writable(const std::vector<int>& readable, int writable,
                                                    std::optional<std::chrono::milliseconds> patience);

}  // namespace tank::sys
