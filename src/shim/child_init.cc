// The tiny init: pid 1 of a container that asked for one. It passes signals on to the workload, reaps what the workload
// leaves behind, and ends as the workload ended. It is confined exactly as the workload is.
#include <csignal>

#include "shim/child.h"
#include "shim/report.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"

namespace tank::shim {

namespace {

void report(Report::Type type, int number) {
  send_report(kReportNumber, static_cast<std::uint32_t>(type), number, "", "", -1);
}

/// The main child's end is ours. The kernel lets no pid 1 die of a signal of its own, so that a signal is told to the
/// shim, and 128 + n is for whoever else looks.
[[noreturn]] void end_as(const sys::Ended& how) {
  if (how.by_signal) report(Report::Type::signaled, how.value);
  sys::end_process(how.by_signal ? 128 + how.value : how.value);
}

void reap_all(pid_t workload) {
  while (const auto reaped = sys::reap_any()) {
    if (reaped->pid == workload) end_as(reaped->how);
  }
}

[[noreturn]] void be_init(pid_t workload) {
  reap_all(workload);
  while (true) {
    const int signum = sys::wait_for_signal();
    if (signum == SIGCHLD) {
      reap_all(workload);
    } else {
      sys::signal_child(workload, signum);
    }
  }
}

}  // namespace

Result<> start_init(const Plan& plan) {
  sys::block_all_signals();
  // Close-on-exec, so that its end says that the workload executes or is gone.
  auto [here, there] = TRY(sys::make_packet_pair());
  const pid_t workload = TRY(sys::fork_process());
  if (workload == 0) {
    (void)there.release();
    return sys::new_session();
  }

  there.reset();
  sys::forbid_tracing();
  TRY(confine(plan));
  char byte = 0;
  TRY(sys::receive_packet(here, &byte, sizeof byte, sys::Wait::yes));
  report(Report::Type::executed, 0);
  here.reset();
  be_init(workload);
}

}  // namespace tank::shim
