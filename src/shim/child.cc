// The list itself. Each line is one step with the name it has in errors; the order is the security property:
// nothing of the container is trusted before the pivot, nothing of the host is open after it.
#include "shim/child.h"

#include <csignal>
#include <cstring>

#include "shim/report.h"
#include "sys/identity.h"
#include "sys/mount.h"
#include "sys/path_in_root.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"
#include "sys/terminal.h"

namespace tank::shim {

namespace {

constexpr int kFailedBeforeExec = 127;

int report_number = kReportNumber;

[[noreturn]] void fail(const char* step, const Error& failure) {
  send_report(report_number, static_cast<std::uint32_t>(Report::Type::failed), failure.number(), step,
              failure.sentence().c_str(), -1);
  sys::end_process(kFailedBeforeExec);
}

template <typename T>
T must(const char* step, Result<T> done) {
  if (!done) fail(step, done.error());
  if constexpr (!std::is_void_v<T>) return *std::move(done);
}

/// The v1 hierarchies. Writing 0 means the writer itself (cgroups(7)).
Result<> join_cgroups(const ChildDescriptors& given) {
  for (const int procs : given.cgroup_procs) TRY(sys::write_small(procs, "0"));
  return {};
}

/// 0 to 2 are the workload's, 3 is the report; everything else of the shim goes.
Result<> keep_own_descriptors(const ChildDescriptors& given) {
  for (int number = 0; number < 3; ++number) {
    if (given.stdio[number] >= 0) {
      TRY(sys::place_descriptor(given.stdio[number], number, sys::Inherit::yes));
    }
  }
  TRY(sys::place_descriptor(given.report, kReportNumber, sys::Inherit::no));
  return sys::close_descriptors_from(kReportNumber + 1);
}

Result<sys::Fd> connect_stdio(const Plan& plan, const ChildDescriptors& given, const sys::Fd& root) {
  if (plan.terminal) return connect_terminal(plan, root);
  TRY(connect_streams(plan, given, root));
  return sys::Fd();
}

/// Says that the container stands, and waits for the owner's word.
Result<> park(const sys::Fd& terminal) {
  send_report(kReportNumber, static_cast<std::uint32_t>(Report::Type::parked), 0, "", "", terminal.get());
  const sys::BorrowedFd report(kReportNumber);
  char word = 0;
  const auto packet = TRY(sys::receive_packet(report.fd(), &word, sizeof word, sys::Wait::yes));
  // No word but the end of the socket: the shim is gone, or does not want us.
  if (!packet || packet->size == 0 || word != kProceed) sys::end_process(kFailedBeforeExec);
  return {};
}

Result<> set_limits(const Plan& plan) {
  for (const LimitStep& limit : plan.limits) TRY(sys::limit_resource(limit.resource, limit.soft, limit.hard));
  return {};
}

/// The kernel forgets the parent-death signal when the credentials change. In the moment between, the parent may have
/// died: then the report socket has ended (getppid(2) is 0 in a pid namespace of our own and says nothing).
Result<> die_with_parent_again(const Plan& plan) {
  TRY(sys::die_with_parent());
  if (plan.init) return {};  // the workload's parent is the init, and the namespace goes with that
  const sys::BorrowedFd report(kReportNumber);
  char byte = 0;
  const auto waiting = TRY(sys::peek_packet(report.fd(), &byte, sizeof byte));
  if (waiting && *waiting == 0) sys::end_process(kFailedBeforeExec);
  return {};
}

void reset_process() {
  sys::default_signal(SIGPIPE);
  sys::unblock_all_signals();
  sys::set_file_mode_mask(0022);
}

}  // namespace

void run_child(const Plan& plan, const ChildDescriptors& given) {
  report_number = given.report;
  must("parent", sys::die_with_parent());
  must("session", sys::new_session());
  must("session", sys::new_keyring());
  must("cgroup", join_cgroups(given));
  must("descriptors", keep_own_descriptors(given));
  report_number = kReportNumber;
  must("cgroup", sys::unshare(sys::name_space::kCgroup));
  if (plan.oom_score_adjustment) sys::set_oom_score_adjustment(*plan.oom_score_adjustment);

  must("mount", sys::make_mounts_private());
  sys::Fd root = must("rootfs", mount_rootfs(plan));
  must("mount", mount_all(plan, root));
  must("devices", make_devices(plan, root));
  must("protect", protect_paths(plan, root));
  sys::Fd terminal = must("terminal", connect_stdio(plan, given, root));
  must("pivot", sys::pivot_root_to(root));
  root.reset();

  must("checkpoint", park(terminal));
  terminal.reset();
  must("descriptors", sys::close_descriptors_from(kReportNumber + 1));

  must("sysctl", write_sysctls(plan));
  const Result<> entered = enter_directory(plan.directory);
  must("limits", set_limits(plan));
  must("identity", drop_privileges(plan));
  // Some file systems let the workload's user in where they refuse root (NFS, FUSE).
  if (!entered) must("directory", entered.error().number() == EACCES ? enter_directory(plan.directory) : entered);
  must("parent", die_with_parent_again(plan));
  if (plan.init) must("init", start_init(plan));
  if (plan.terminal) must("terminal", sys::take_controlling_terminal(0));
  reset_process();
  must("seccomp", confine(plan));
  fail("exec", execute_command(plan));
}

void send_report(int report, std::uint32_t type, int number, const char* step, const char* text, int descriptor) {
  Report record;
  record.type = static_cast<Report::Type>(type);
  record.number = number;
  std::strncpy(record.step.data(), step, record.step.size() - 1);
  std::strncpy(record.text.data(), text, record.text.size() - 1);
  const sys::BorrowedFd socket(report);
  const std::vector<int> descriptors = descriptor < 0 ? std::vector<int>() : std::vector<int>{descriptor};
  (void)sys::send_packet(socket.fd(), {reinterpret_cast<const char*>(&record), sizeof record}, descriptors,
                         sys::Wait::yes);
}

}  // namespace tank::shim
