// epoll(7) with the descriptor's own number as the key.
#pragma once

#include <array>
#include <cstdint>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// What to wait for. Hang-ups always come along.
enum class Interest : std::uint8_t { read, read_write };

class Epoll {
 public:
  struct Event {
    int descriptor = -1;
    bool readable = false;  ///< also: hung up, or in error
    bool writable = false;
  };
  /// A few events at a time are enough: what is left comes with the next wait.
  struct Events {
    std::array<Event, 16> events;
    std::size_t count = 0;
    const Event* begin() const { return events.data(); }
    const Event* end() const { return events.data() + count; }
  };

  static Result<Epoll> make();
  Result<> add(const Fd& fd, Interest interest);
  Result<> change(const Fd& fd, Interest interest);
  Result<> remove(const Fd& fd);
  /// −1 waits without end; an interrupted wait gives no events.
  Result<Events> wait(int timeout_ms);

 private:
  explicit Epoll(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace tank::sys
