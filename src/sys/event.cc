#include "sys/event.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace tank::sys {

Result<EventFd> EventFd::create() {
  const int number = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (number < 0) return errno_error("making an eventfd");
  return EventFd(number);
}

void EventFd::raise() const {
  const std::uint64_t one = 1;
  // The only failure of a non-blocking write is a full counter, which is readable already.
  [[maybe_unused]] const ssize_t done = ::write(get(), &one, sizeof one);
}

void EventFd::drain() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t done = ::read(get(), &count, sizeof count);
}

namespace {

Result<std::vector<bool>> wait_for(std::vector<pollfd> polled, std::optional<std::chrono::milliseconds> patience) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + patience.value_or(std::chrono::milliseconds(0));
  for (;;) {
    int timeout = -1;
    if (patience) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
    }
    const int ready = ::poll(polled.data(), polled.size(), timeout);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return errno_error("polling");
    std::vector<bool> readable;
    readable.reserve(polled.size());
    for (const pollfd& one : polled) readable.push_back(one.revents != 0);
    return readable;
  }
}

std::vector<pollfd> to_read(const std::vector<int>& descriptors) {
  std::vector<pollfd> polled;
  for (const int fd : descriptors) polled.push_back({fd, POLLIN, 0});
  return polled;
}

}  // namespace

Result<std::vector<bool>> wait_readable(const std::vector<int>& descriptors,
                                        std::optional<std::chrono::milliseconds> patience) {
  return wait_for(to_read(descriptors), patience);
}

Result<std::vector<bool>> wait_readable_or_writable(const std::vector<int>& readable, int writable,
                                                    std::optional<std::chrono::milliseconds> patience) {
  std::vector<pollfd> polled = to_read(readable);
  polled.push_back({writable, POLLOUT, 0});
  return wait_for(std::move(polled), patience);
}

}  // namespace tank::sys
