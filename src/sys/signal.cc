#include "sys/signal.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace tank::sys {

void reset_signals() {
  for (int signum = 1; signum < NSIG; ++signum) ::signal(signum, SIG_DFL);
  unblock_all_signals();
}

void ignore_signal(int signum) { ::signal(signum, SIG_IGN); }
void default_signal(int signum) { ::signal(signum, SIG_DFL); }

void block_all_signals() {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

void unblock_all_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<Fd> make_signal_fd(std::initializer_list<int> signals) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signum : signals) sigaddset(&wanted, signum);
  if (::sigprocmask(SIG_BLOCK, &wanted, nullptr) < 0) return errno_error("blocking signals");
  const int number = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (number < 0) return errno_error("making a signal descriptor");
  return Fd(number);
}

int next_signal(const Fd& signals) {
  signalfd_siginfo about{};
  if (::read(signals.get(), &about, sizeof about) != static_cast<ssize_t>(sizeof about)) return 0;
  return static_cast<int>(about.ssi_signo);
}

int wait_for_signal() {
  sigset_t all;
  sigfillset(&all);
  int signum = -1;
  while (signum < 0) signum = ::sigwaitinfo(&all, nullptr);
  return signum;
}

}  // namespace tank::sys
