#include "sys/epoll.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tank::sys {

namespace {

Result<> control(const Fd& epoll, int operation, const Fd& fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd.get();
  if (::epoll_ctl(epoll.get(), operation, fd.get(), &event) < 0) return errno_error("watching a descriptor");
  return {};
}

std::uint32_t mask_of(Interest interest) {
  return interest == Interest::read ? std::uint32_t{EPOLLIN} : std::uint32_t{EPOLLIN} | EPOLLOUT;
}

}  // namespace

Result<Epoll> Epoll::make() {
  const int number = ::epoll_create1(EPOLL_CLOEXEC);
  if (number < 0) return errno_error("making an epoll descriptor");
  return Epoll(Fd(number));
}

Result<> Epoll::add(const Fd& fd, Interest interest) { return control(fd_, EPOLL_CTL_ADD, fd, mask_of(interest)); }
Result<> Epoll::change(const Fd& fd, Interest interest) { return control(fd_, EPOLL_CTL_MOD, fd, mask_of(interest)); }
Result<> Epoll::remove(const Fd& fd) { return control(fd_, EPOLL_CTL_DEL, fd, 0); }

Result<Epoll::Events> Epoll::wait(int timeout_ms) {
  std::array<epoll_event, 16> raw{};
  // By number for the sake of a program that has just given its pages back (memory.cc).
  const long count = ::syscall(SYS_epoll_pwait, fd_.get(), raw.data(), raw.size(), timeout_ms, nullptr, 0);
  if (count < 0 && errno != EINTR) return errno_error("waiting for events");
  Events out;
  for (long i = 0; i < count; ++i) {
    const epoll_event& event = raw[static_cast<std::size_t>(i)];
    out.events[out.count++] = {event.data.fd, (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0,
                               (event.events & EPOLLOUT) != 0};
  }
  return out;
}

}  // namespace tank::sys
