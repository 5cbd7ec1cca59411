#include "kernel/cgroup/child.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace tank::test {

namespace {

// Exit codes of a child that did not get to its work.
constexpr int kJoinFailed = 201;
constexpr int kGateFailed = 202;

[[noreturn]] void live(const cgroup::Leaf& leaf, int ready, int gate, const std::function<int()>& work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const sys::Fd& procs : leaf.v1_procs) {
    if (::write(procs.get(), "0", 1) != 1) ::_exit(kJoinFailed);
  }
  char byte = 'r';
  if (::write(ready, &byte, 1) != 1 || ::read(gate, &byte, 1) != 1) ::_exit(kGateFailed);
  ::_exit(work());
}

}  // namespace

Result<Child> Child::park(const cgroup::Leaf& leaf, const std::function<int()>& work) {
  std::array<int, 2> ready{}, gate{};
  if (::pipe2(ready.data(), O_CLOEXEC) < 0 || ::pipe2(gate.data(), O_CLOEXEC) < 0) return errno_error("making pipes");
  const sys::Fd ready_end(ready[0]);
  sys::Fd ready_mark(ready[1]);
  sys::Fd gate_end(gate[0]);
  sys::Fd gate_key(gate[1]);
  int process = -1;
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&process);
  arguments.exit_signal = SIGCHLD;
  if (leaf.unified.is_open()) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<__u64>(leaf.unified.get());
  }
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return errno_error("cloning a child into its cgroup");
  if (pid == 0) live(leaf, ready_mark.get(), gate_end.get(), work);
  Child child(static_cast<pid_t>(pid), sys::Fd(process), std::move(gate_key));
  ready_mark.reset();
  gate_end.reset();
  char byte = 0;
  if (::read(ready_end.get(), &byte, 1) != 1)
    return error(Kind::bug, "parking a child: it ended with ", child.wait().code);
  return child;
}

Child::~Child() {
  if (!process_.is_open() || reaped_) return;
  kill();
  wait();
}

void Child::go() {
  const ssize_t done = ::write(gate_.get(), "g", 1);
  static_cast<void>(done);  // EPIPE: it is dead, as wait() will tell
}

void Child::kill() { ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0); }

End Child::wait() {
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process_.get()), &info, WEXITED) < 0) {
    if (errno != EINTR) return {};
  }
  reaped_ = true;
  if (info.si_code == CLD_EXITED) return {info.si_status, 0};
  return {-1, info.si_status};
}

End Child::finish() {
  go();
  return wait();
}

}  // namespace tank::test
