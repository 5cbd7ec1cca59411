#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "oci/seccomp.h"
#include "oci/syscall_table.h"
#include "unit/oci/filter_machine.h"

namespace tank::oci {
namespace {

constexpr std::uint32_t kAllowed = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kDenied = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t kAbsent = SECCOMP_RET_ERRNO | ENOSYS;

std::uint32_t answer(const std::vector<std::string>& capabilities, long number, std::uint64_t first = 0) {
  const auto profile = default_seccomp(capabilities, "amd64");
  EXPECT_TRUE(profile);
  const auto program = compile_seccomp(*profile);
  EXPECT_TRUE(program);
  return run_filter(*program, {AUDIT_ARCH_X86_64, static_cast<std::uint32_t>(number), {first}});
}

TEST(DefaultSeccomp, KnowsTwoArchitectures) {
  EXPECT_EQ(default_seccomp({}, "riscv64").error().kind(), Kind::unsupported);
  EXPECT_EQ(default_seccomp({}, "").error().kind(), Kind::unsupported);
  EXPECT_TRUE(default_seccomp({}, "arm64"));
}

TEST(DefaultSeccomp, NamesOnlyCallsThatExist) {
  for (const auto* architecture : {"amd64", "arm64"}) {
    const auto profile = default_seccomp({"CAP_SYS_ADMIN"}, architecture);
    for (const SeccompRule& rule : profile->rules) {
      for (const std::string& name : rule.names) EXPECT_TRUE(find_syscall(name)) << name;
    }
  }
}

TEST(DefaultSeccomp, LetsProgramsWork) {
  for (const long number : {SYS_read,
                            SYS_openat,
                            SYS_execve,
                            SYS_mmap,
                            SYS_futex,
                            SYS_clone,
                            SYS_wait4,
                            SYS_socketpair,
                            SYS_accept4,
                            SYS_capset,
                            SYS_setuid,
                            SYS_prctl,
                            SYS_seccomp,
                            SYS_statx,
                            SYS_rseq,
                            SYS_getrandom,
                            SYS_epoll_pwait2,
                            SYS_landlock_create_ruleset,
                            SYS_ptrace,
                            SYS_mknodat,
                            SYS_close_range,
                            SYS_exit_group,
                            452,
                            462}) {
    EXPECT_EQ(answer({}, number), kAllowed) << number;
  }
}

TEST(DefaultSeccomp, DeniesWhatActsOnTheMachine) {
  for (const long number : {SYS_mount,
                            SYS_umount2,
                            SYS_pivot_root,
                            SYS_reboot,
                            SYS_kexec_load,
                            SYS_kexec_file_load,
                            SYS_init_module,
                            SYS_finit_module,
                            SYS_delete_module,
                            SYS_swapon,
                            SYS_swapoff,
                            SYS_acct,
                            SYS_settimeofday,
                            SYS_clock_settime,
                            SYS_iopl,
                            SYS_ioperm,
                            SYS_unshare,
                            SYS_setns,
                            SYS_bpf,
                            SYS_perf_event_open,
                            SYS_userfaultfd,
                            SYS_keyctl,
                            SYS_add_key,
                            SYS_request_key,
                            SYS_open_by_handle_at,
                            SYS_fsopen,
                            SYS_move_mount,
                            SYS_open_tree,
                            SYS_io_uring_setup,
                            SYS_io_uring_enter,
                            SYS_io_uring_register,
                            SYS_sethostname,
                            SYS_quotactl,
                            SYS_syslog,
                            SYS_nfsservctl,
                            SYS_uselib,
                            SYS_ustat,
                            SYS_sysfs,
                            SYS_chroot,
                            SYS_vhangup,
                            SYS_mbind,
                            SYS_kcmp,
                            SYS_process_madvise,
                            SYS_pidfd_getfd,
                            SYS_lookup_dcookie}) {
    EXPECT_EQ(answer({}, number), kDenied) << number;
  }
}

TEST(DefaultSeccomp, OpensWithTheCapabilityThatGuardsIt) {
  EXPECT_EQ(answer({"CAP_SYS_ADMIN"}, SYS_mount), kAllowed);
  EXPECT_EQ(answer({"CAP_SYS_ADMIN"}, SYS_unshare), kAllowed);
  EXPECT_EQ(answer({"CAP_SYS_ADMIN"}, SYS_reboot), kDenied);
  EXPECT_EQ(answer({"CAP_SYS_BOOT"}, SYS_reboot), kAllowed);
  EXPECT_EQ(answer({"CAP_SYS_CHROOT"}, SYS_chroot), kAllowed);
  EXPECT_EQ(answer({"CAP_SYS_MODULE"}, SYS_finit_module), kAllowed);
  EXPECT_EQ(answer({"CAP_SYS_TIME"}, SYS_clock_settime), kAllowed);
  EXPECT_EQ(answer({"CAP_SYS_PTRACE"}, SYS_kcmp), kAllowed);
  EXPECT_EQ(answer({"CAP_BPF"}, SYS_bpf), kAllowed);
  EXPECT_EQ(answer({"CAP_SYS_NICE"}, SYS_mbind), kAllowed);
  EXPECT_EQ(answer({"CAP_DAC_READ_SEARCH"}, SYS_open_by_handle_at), kAllowed);
  EXPECT_EQ(answer({"CAP_NET_ADMIN"}, SYS_mount), kDenied);
}

TEST(DefaultSeccomp, LooksIntoCloneSocketAndPersonality) {
  for (const std::uint64_t flag :
       {0x00020000UL, 0x02000000UL, 0x04000000UL, 0x08000000UL, 0x10000000UL, 0x20000000UL, 0x40000000UL}) {
    EXPECT_EQ(answer({}, SYS_clone, flag | SIGCHLD), kDenied) << flag;
    EXPECT_EQ(answer({"CAP_SYS_ADMIN"}, SYS_clone, flag | SIGCHLD), kAllowed) << flag;
  }
  EXPECT_EQ(answer({}, SYS_clone, 0x003d0f00), kAllowed);  // what pthread_create passes
  EXPECT_EQ(answer({}, SYS_clone3), kAbsent);
  EXPECT_EQ(answer({"CAP_SYS_ADMIN"}, SYS_clone3), kAllowed);
  EXPECT_EQ(answer({}, SYS_socket, AF_INET), kAllowed);
  EXPECT_EQ(answer({}, SYS_socket, AF_VSOCK), kDenied);
  for (const std::uint64_t persona : {0x0UL, 0x8UL, 0x20000UL, 0x20008UL, 0xffffffffUL}) {
    EXPECT_EQ(answer({}, SYS_personality, persona), kAllowed) << persona;
  }
  EXPECT_EQ(answer({}, SYS_personality, 0x0040000), kDenied);  // ADDR_NO_RANDOMIZE
  EXPECT_EQ(answer({}, 999), kAbsent);
}

}  // namespace
}  // namespace tank::oci
