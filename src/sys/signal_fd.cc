#include "sys/signal_fd.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace tank::sys {

Result<SignalFd> SignalFd::open(const std::vector<int>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signum : signals) sigaddset(&set, signum);
  if (const int failure = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); failure != 0) {
    return Error::from_errno(failure, "blocking signals");
  }
  const int number = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (number < 0) return errno_error("opening a signalfd");
  return SignalFd(number);
}

std::optional<int> SignalFd::next() const {
  signalfd_siginfo info{};
  if (::read(get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void ignore_broken_pipes() { ::signal(SIGPIPE, SIG_IGN); }

}  // namespace tank::sys
