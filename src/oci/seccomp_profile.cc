// The default profile: what programs in a container need, by subject. What is missing here is either a way to act on
// the machine as a whole, or a part of the kernel so young or so often broken that a container should not reach it
// (io_uring, userfaultfd, keyrings, bpf, kexec, …). Calls that need a capability are let through with it: the kernel
// still checks.

#include <algorithm>
#include <array>

#include "oci/seccomp.h"

namespace tank::oci {

namespace {

/// Names, separated by spaces and line ends: no relocation and no allocation until a filter is wanted.
using Names = std::string_view;

constexpr Names kFiles = R"(
  open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2
  lseek _llseek sendfile sendfile64 splice tee vmsplice copy_file_range dup dup2 dup3 fcntl fcntl64 flock ioctl
  fsync fdatasync sync syncfs sync_file_range fallocate ftruncate ftruncate64 truncate truncate64 fadvise64 fadvise64_64
  readahead cachestat name_to_handle_at memfd_create memfd_secret pipe pipe2)";

constexpr Names kDirectoriesAndInodes = R"(
  access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs
  fstatfs64 chdir fchdir getcwd getdents getdents64 readdir mkdir mkdirat rmdir unlink unlinkat link linkat symlink symlinkat
  readlink readlinkat rename renameat renameat2 mknod mknodat chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32
  fchownat lchown lchown32 umask utime utimes utimensat utimensat_time64 futimesat statmount listmount
  getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr
  listxattrat removexattr lremovexattr fremovexattr removexattrat
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark)";

constexpr Names kWaiting = R"(
  select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
  epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_gettime
  timerfd_gettime64 timerfd_settime timerfd_settime64 io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents
  io_pgetevents_time64)";

constexpr Names kMemory = R"(
  brk mmap mmap2 munmap mremap mprotect madvise msync mincore mlock mlock2 mlockall munlock munlockall membarrier mseal
  pkey_alloc pkey_free pkey_mprotect remap_file_pages map_shadow_stack
  shmget shmat shmdt shmctl semget semop semctl semtimedop semtimedop_time64 msgget msgsnd msgrcv msgctl ipc
  mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64
  process_mrelease)";

constexpr Names kProcesses = R"(
  fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp setpgid getsid setsid
  kill tkill tgkill pidfd_open pidfd_send_signal prctl capget capset seccomp set_tid_address set_robust_list get_robust_list
  set_thread_area get_thread_area rseq restart_syscall
  futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue
  landlock_create_ruleset landlock_add_rule landlock_restrict_self)";

constexpr Names kIds = R"(
  getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32
  getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32
  setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32)";

constexpr Names kSignalsAndTime = R"(
  alarm pause signal sigaction sigaltstack sigpending sigprocmask sigreturn sigsuspend rt_sigaction rt_sigpending
  rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
  nanosleep clock_nanosleep clock_nanosleep_time64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
  clock_adjtime clock_adjtime64 adjtimex time times gettimeofday getitimer setitimer timer_create timer_delete
  timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64)";

constexpr Names kScheduling = R"(
  nice getpriority setpriority ioprio_get ioprio_set getcpu sched_yield sched_getaffinity sched_setaffinity sched_getattr
  sched_setattr sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max
  sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getrlimit ugetrlimit setrlimit prlimit64
  getrusage getrandom sysinfo uname)";

constexpr Names kNetwork = R"(
  socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt send sendto sendmsg sendmmsg
  recv recvfrom recvmsg recvmmsg recvmmsg_time64 shutdown socketcall)";

/// Safe since Linux 4.8: ptrace can no longer be used to slip past a filter.
constexpr Names kTracing = "ptrace process_vm_readv process_vm_writev";

constexpr Names kOnX86 = "arch_prctl modify_ldt";
constexpr Names kOnArm = "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls";

struct Gated {
  const char* capability;
  Names names;
};

constexpr std::array<Gated, 15> kGated{{
    {"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    {"CAP_SYS_ADMIN",
     R"(bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
        lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr perf_event_open pivot_root quotactl
        quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare)"},
    {"CAP_SYS_BOOT", "reboot"},
    {"CAP_SYS_CHROOT", "chroot"},
    {"CAP_SYS_MODULE", "delete_module init_module finit_module"},
    {"CAP_SYS_PACCT", "acct"},
    {"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"},
    {"CAP_SYS_RAWIO", "iopl ioperm"},
    {"CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"},
    {"CAP_SYS_TTY_CONFIG", "vhangup"},
    {"CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {"CAP_SYSLOG", "syslog"},
    {"CAP_BPF", "bpf"},
    {"CAP_PERFMON", "perf_event_open"},
    {"CAP_CHECKPOINT_RESTORE", "kcmp"},
}};

std::vector<std::string> split(Names names) {
  constexpr std::string_view kSpace = " \n";
  std::vector<std::string> out;
  for (auto begin = names.find_first_not_of(kSpace); begin != Names::npos;) {
    const auto end = std::min(names.find_first_of(kSpace, begin), names.size());
    out.emplace_back(names.substr(begin, end - begin));
    begin = names.find_first_not_of(kSpace, end);
  }
  return out;
}

SeccompRule allow(Names names) { return {split(names), "SCMP_ACT_ALLOW", std::nullopt, {}}; }

SeccompRule allow_when(const char* name, SeccompArg arg) {
  return {{name}, "SCMP_ACT_ALLOW", std::nullopt, {std::move(arg)}};
}

/// personality(2): the usual ones. Others switch randomisation of addresses off or emulate what nobody maintains.
void allow_personalities(std::vector<SeccompRule>& rules) {
  constexpr std::uint64_t kAsk = 0xffffffff;
  for (const std::uint64_t persona :
       {std::uint64_t{0x0}, std::uint64_t{0x8}, std::uint64_t{0x20000}, std::uint64_t{0x20008}, kAsk}) {
    rules.push_back(allow_when("personality", {0, persona, 0, "SCMP_CMP_EQ"}));
  }
}

/// Addresses of AF_VSOCK are the machine's, not the network namespace's.
void allow_sockets(std::vector<SeccompRule>& rules) {
  // Families are listed, not AF_VSOCK excluded: the filter sees 64 bits and the kernel then looks at the lower 32.
  constexpr std::uint64_t kVsock = 40;
  constexpr std::uint64_t kLastFamily = 45;
  rules.push_back(allow_when("socket", {0, kVsock, 0, "SCMP_CMP_LT"}));
  for (std::uint64_t family = kVsock + 1; family <= kLastFamily; ++family) {
    rules.push_back(allow_when("socket", {0, family, 0, "SCMP_CMP_EQ"}));
  }
}

/// Without CAP_SYS_ADMIN: no new namespaces. clone3 hides its flags behind a pointer, so it is told not to exist, and
/// the C libraries go back to clone.
void allow_plain_clone(std::vector<SeccompRule>& rules) {
  // CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET
  constexpr std::uint64_t kNamespaces = 0x7e020000;
  rules.push_back(allow_when("clone", {0, kNamespaces, 0, "SCMP_CMP_MASKED_EQ"}));
  rules.push_back({{"clone3"}, "SCMP_ACT_ERRNO", unsigned{ENOSYS}, {}});
}

bool holds(const std::vector<std::string>& capabilities, const char* wanted) {
  return std::find(capabilities.begin(), capabilities.end(), wanted) != capabilities.end();
}

}  // namespace

Result<Seccomp> default_seccomp(const std::vector<std::string>& capabilities, std::string_view architecture) {
  Seccomp out;
  out.default_action = "SCMP_ACT_ERRNO";
  out.default_errno_ret = EPERM;
  const bool x86 = architecture == "amd64";
  if (!x86 && architecture != "arm64") {
    return error(Kind::unsupported, "no default seccomp profile for architecture '", architecture, "'");
  }
  if (x86) out.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"};
  if (!x86) out.architectures = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
  for (const Names names : {kFiles, kDirectoriesAndInodes, kWaiting, kMemory, kProcesses, kIds, kSignalsAndTime,
                            kScheduling, kNetwork, kTracing, x86 ? kOnX86 : kOnArm}) {
    out.rules.push_back(allow(names));
  }
  allow_personalities(out.rules);
  allow_sockets(out.rules);
  for (const Gated& gated : kGated) {
    if (holds(capabilities, gated.capability)) out.rules.push_back(allow(gated.names));
  }
  if (!holds(capabilities, "CAP_SYS_ADMIN")) allow_plain_clone(out.rules);
  return out;
}

}  // namespace tank::oci
