#include "sys/process.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace tank::sys {

static_assert(name_space::kMount == CLONE_NEWNS && name_space::kCgroup == CLONE_NEWCGROUP &&
              name_space::kUts == CLONE_NEWUTS && name_space::kIpc == CLONE_NEWIPC &&
              name_space::kPid == CLONE_NEWPID && name_space::kNetwork == CLONE_NEWNET);

namespace {

constexpr std::size_t kSpawnStack = 64UL * 1024;

struct SpawnOrder {
  const Spawn* what;
  const int* sources;  ///< copies above every target, so that no dup3 overwrites one still needed
  sigset_t mask;
  int failure;  ///< written by the child, which shares our memory until it executes
};

/// Runs on its own stack in our memory: raw system calls only, nothing of the C library that keeps state.
int spawn_child(void* argument) {
  auto* order = static_cast<SpawnOrder*>(argument);
  const Spawn& what = *order->what;
  const auto count = static_cast<int>(what.descriptors.size());
  for (int number = 0; number < count; ++number) {
    if (::syscall(SYS_dup3, order->sources[number], number, 0) < 0) {
      order->failure = errno;
      ::syscall(SYS_exit_group, 127);
    }
  }
  // The executable itself must survive until execveat(2), then go.
  ::syscall(SYS_dup3, what.executable->get(), count, O_CLOEXEC);
  ::syscall(SYS_close_range, count + 1, ~0U, 0);
  const char* const arguments[] = {what.title, nullptr};
  const char* const environment[] = {nullptr};
  ::syscall(SYS_execveat, count, "", arguments, environment, AT_EMPTY_PATH);
  order->failure = errno;
  ::syscall(SYS_exit_group, 127);
  return 127;
}

Result<std::vector<Fd>> copies_above(const std::vector<int>& descriptors) {
  std::vector<Fd> copies;
  // One more place for the executable, which lands right after the others.
  const int floor = static_cast<int>(descriptors.size()) + 1;
  for (const int number : descriptors) {
    const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, floor);
    if (copy < 0) return errno_error("copying a descriptor for a new program");
    copies.emplace_back(copy);
  }
  return copies;
}

class Stack {
 public:
  Stack()
      : base_(::mmap(nullptr, kSpawnStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}
  ~Stack() {
    if (is_mapped()) ::munmap(base_, kSpawnStack);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  bool is_mapped() const { return base_ != MAP_FAILED; }
  void* top() const { return static_cast<char*>(base_) + kSpawnStack; }

 private:
  void* base_;
};

}  // namespace

Result<Cloned> clone_process(std::uint64_t namespaces, int cgroup) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = namespaces | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return errno_error("cloning a process");
  return Cloned{static_cast<pid_t>(pid), PidFd(pid == 0 ? -1 : pidfd)};
}

Result<> unshare(std::uint64_t namespaces) {
  if (::unshare(static_cast<int>(namespaces)) < 0) return errno_error("making new namespaces");
  return {};
}

Result<> set_hostname(const char* name) {
  if (::sethostname(name, std::strlen(name)) < 0) return errno_error("setting the host name '", name, "'");
  return {};
}

Result<Cloned> spawn(const Spawn& what) {
  const std::vector<Fd> copies = TRY(copies_above(what.descriptors));
  const int floor = static_cast<int>(what.descriptors.size()) + 1;
  const Fd executable(::fcntl(what.executable->get(), F_DUPFD_CLOEXEC, floor));
  if (!executable.is_open()) return errno_error("copying a descriptor for a new program");
  std::vector<int> sources;
  for (const Fd& copy : copies) sources.push_back(copy.get());
  const Spawn prepared{&executable, what.title, what.descriptors};
  const Stack stack;
  if (!stack.is_mapped()) return errno_error("mapping a stack for a new program");

  SpawnOrder order{&prepared, sources.data(), {}, 0};
  sigset_t all;
  sigfillset(&all);
  // A signal handler of ours must not run in the child, which has our memory.
  ::pthread_sigmask(SIG_SETMASK, &all, &order.mask);
  int pidfd = -1;
  const int pid = ::clone(&spawn_child, stack.top(), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &order, &pidfd);
  const int failure = errno;
  ::pthread_sigmask(SIG_SETMASK, &order.mask, nullptr);
  if (pid < 0) return Error::from_errno(failure, "cloning a process for a new program");
  Cloned cloned{pid, PidFd(pidfd)};
  if (order.failure == 0) return cloned;
  (void)reap(cloned.process, Wait::yes);
  return Error::from_errno(order.failure, "executing a new program");
}

Result<PidFd> open_process(pid_t pid) {
  // By number: <sys/pidfd.h> of glibc 2.36 forgets that C++ exists.
  const long number = ::syscall(SYS_pidfd_open, pid, 0);
  if (number < 0) return errno_error("opening process ", pid);
  return PidFd(static_cast<int>(number));
}

Result<> send_signal(const PidFd& process, int signum) {
  if (::syscall(SYS_pidfd_send_signal, process.get(), signum, nullptr, 0) < 0)
    return errno_error("sending signal ", signum);
  return {};
}

Result<std::optional<Ended>> reap(const PidFd& process, Wait wait) {
  siginfo_t about{};
  const int options = WEXITED | (wait == Wait::no ? WNOHANG : 0);
  while (::waitid(P_PIDFD, static_cast<id_t>(process.get()), &about, options) < 0) {
    if (errno == ECHILD) return error(Kind::not_found, "reaping a process: it is not a child");
    if (errno != EINTR) return errno_error("reaping a process");
  }
  if (about.si_pid == 0) return std::optional<Ended>();
  return std::optional<Ended>(Ended{about.si_code != CLD_EXITED, about.si_status});
}

Result<> die_with_parent() {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return errno_error("asking to die with the parent");
  return {};
}

Result<> new_session() {
  if (::setsid() < 0) return errno_error("starting a session");
  return {};
}

Result<> new_keyring() {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) >= 0) return {};
  // A kernel without keyrings has none to share.
  if (errno == ENOSYS || errno == EOPNOTSUPP) return {};
  return errno_error("starting a session keyring");
}

void set_process_name(const char* name) { ::prctl(PR_SET_NAME, name, 0, 0, 0); }

Result<> close_descriptors_from(int first) {
  if (::close_range(static_cast<unsigned>(first), ~0U, 0) < 0) return errno_error("closing descriptors");
  return {};
}

Result<> place_descriptor(int from, int number, Inherit inherit) {
  if (::dup3(from, number, inherit == Inherit::yes ? 0 : O_CLOEXEC) < 0) {
    return errno_error("placing a descriptor at ", number);
  }
  return {};
}

Result<pid_t> fork_process() {
  const Cloned cloned = TRY(clone_process(0, -1));
  return cloned.pid;
}

std::optional<Reaped> reap_any() {
  int status = 0;
  const pid_t pid = ::waitpid(-1, &status, WNOHANG);
  if (pid <= 0) return std::nullopt;
  return Reaped{pid, WIFSIGNALED(status) ? Ended{true, WTERMSIG(status)} : Ended{false, WEXITSTATUS(status)}};
}

void signal_child(pid_t pid, int signum) { (void)::kill(pid, signum); }  // habit: kill
void forbid_tracing() { ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
void set_file_mode_mask(unsigned mask) { ::umask(mask); }

int execute(const char* path, char* const* arguments, char* const* environment) {
  ::execve(path, arguments, environment);
  return errno;
}

void end_process(int code) { ::_exit(code); }

}  // namespace tank::sys
