// Our programs against libseccomp's: for the same filter both must give every system call the same answer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "oci/bpf.h"
#include "oci/capabilities.h"
#include "oci/seccomp.h"
#include "oci/syscall_table.h"
#include "unit/oci/filter_machine.h"

namespace tank::oci {
namespace {

using testing::HasSubstr;
using Program = std::vector<std::uint8_t>;

static_assert(sizeof(bpf::Instruction) == sizeof(sock_filter));
static_assert(bpf::kLoadWord == (BPF_LD | BPF_W | BPF_ABS) && bpf::kAnd == (BPF_ALU | BPF_AND | BPF_K));
static_assert(bpf::kJump == (BPF_JMP | BPF_JA) && bpf::kJumpEqual == (BPF_JMP | BPF_JEQ | BPF_K));
static_assert(bpf::kJumpGreater == (BPF_JMP | BPF_JGT | BPF_K) && bpf::kJumpAtLeast == (BPF_JMP | BPF_JGE | BPF_K));
static_assert(bpf::kReturn == (BPF_RET | BPF_K) && bpf::kMostInstructions == BPF_MAXINSNS);
static_assert(bpf::kNumberOffset == offsetof(seccomp_data, nr) &&
              bpf::kArchitectureOffset == offsetof(seccomp_data, arch));
static_assert(bpf::low_word_of_argument(5) == offsetof(seccomp_data, args) + 40);
static_assert(bpf::kAllow == SECCOMP_RET_ALLOW && bpf::kErrno == SECCOMP_RET_ERRNO && bpf::kLog == SECCOMP_RET_LOG);
static_assert(bpf::kTrap == SECCOMP_RET_TRAP && bpf::kKillThread == SECCOMP_RET_KILL_THREAD);
static_assert(bpf::kKillProcess == SECCOMP_RET_KILL_PROCESS);
static_assert(bpf::kX86_64 == AUDIT_ARCH_X86_64 && bpf::kX86 == AUDIT_ARCH_I386);
static_assert(bpf::kAarch64 == AUDIT_ARCH_AARCH64 && bpf::kArm == AUDIT_ARCH_ARM);

constexpr const char* kAllow = "SCMP_ACT_ALLOW";
constexpr const char* kErrno = "SCMP_ACT_ERRNO";

std::uint32_t library_action(const std::string& name, std::optional<unsigned> number) {
  if (name == kAllow) return SCMP_ACT_ALLOW;
  if (name == kErrno) return SCMP_ACT_ERRNO(number.value_or(EPERM));
  if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
  if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
  if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
  return SCMP_ACT_KILL;
}

scmp_compare library_operator(const std::string& op) {
  const std::vector<std::pair<std::string, scmp_compare>> kAll{{"SCMP_CMP_EQ", SCMP_CMP_EQ},
                                                               {"SCMP_CMP_NE", SCMP_CMP_NE},
                                                               {"SCMP_CMP_GT", SCMP_CMP_GT},
                                                               {"SCMP_CMP_GE", SCMP_CMP_GE},
                                                               {"SCMP_CMP_LT", SCMP_CMP_LT},
                                                               {"SCMP_CMP_LE", SCMP_CMP_LE},
                                                               {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
  for (const auto& [name, value] : kAll) {
    if (name == op) return value;
  }
  throw std::runtime_error(op);
}

std::uint32_t library_token(const std::string& name) {
  if (name == "SCMP_ARCH_X86_64") return SCMP_ARCH_X86_64;
  if (name == "SCMP_ARCH_X86") return SCMP_ARCH_X86;
  if (name == "SCMP_ARCH_X32") return SCMP_ARCH_X32;
  return name == "SCMP_ARCH_ARM" ? SCMP_ARCH_ARM : SCMP_ARCH_AARCH64;
}

void add_to_library(scmp_filter_ctx context, const SeccompRule& rule, const std::string& name) {
  const int number = seccomp_syscall_resolve_name(name.c_str());
  if (number == __NR_SCMP_ERROR) return;
  std::vector<scmp_arg_cmp> args;
  for (const SeccompArg& arg : rule.args)
    args.push_back({arg.index, library_operator(arg.op), arg.value, arg.value_two});
  const std::uint32_t action = library_action(rule.action, rule.errno_ret);
  // Some conditions cannot be put on calls an architecture only has through socketcall or ipc: refused there, as ours
  // is not for it either.
  seccomp_rule_add_array(context, action, number, static_cast<unsigned>(args.size()), args.data());
}

/// What runc would load: libseccomp's program for the same filter.
Program library_program(const Seccomp& filter) {
  const scmp_filter_ctx context = seccomp_init(library_action(filter.default_action, filter.default_errno_ret));
  seccomp_arch_remove(context, SCMP_ARCH_NATIVE);
  for (const std::string& name : filter.architectures) seccomp_arch_add(context, library_token(name));
  for (const SeccompRule& rule : filter.rules) {
    if (rule.action == filter.default_action && rule.errno_ret == filter.default_errno_ret) continue;
    for (const std::string& name : rule.names) add_to_library(context, rule, name);
  }
  const int fd = memfd_create("filter", MFD_CLOEXEC);
  EXPECT_EQ(seccomp_export_bpf(context, fd), 0);
  Program out(static_cast<std::size_t>(lseek(fd, 0, SEEK_END)));
  EXPECT_EQ(pread(fd, out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
  close(fd);
  seccomp_release(context);
  return out;
}

/// Values around everything a filter compares with.
std::vector<std::uint64_t> interesting_values(const Seccomp& filter) {
  std::set<std::uint64_t> out{0, 1, 0x80000000, 0xffffffff, 0x100000000, UINT64_MAX};
  for (const SeccompRule& rule : filter.rules) {
    for (const SeccompArg& arg : rule.args) {
      for (const std::uint64_t value : {arg.value, arg.value_two, arg.value & arg.value_two}) {
        out.insert({value - 1, value, value + 1, value | 0x500000000, value ^ 0x80000000});
      }
    }
  }
  return {out.begin(), out.end()};
}

struct Machine {
  const char* name;
  std::uint32_t audit;
  Abi abi;
  bool wide;
};
const std::vector<Machine> kMachines{{"SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64, Abi::x86_64, true},
                                     {"SCMP_ARCH_X86", AUDIT_ARCH_I386, Abi::x86, false},
                                     {"SCMP_ARCH_X32", AUDIT_ARCH_X86_64, Abi::x32, true},
                                     {"SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64, Abi::aarch64, true},
                                     {"SCMP_ARCH_ARM", AUDIT_ARCH_ARM, Abi::arm, false}};

void expect_same(const Program& ours, const Program& theirs, const MadeUpCall& call) {
  const std::uint32_t mine = run_filter(ours, call);
  const std::uint32_t wanted = run_filter(theirs, call);
  ASSERT_EQ(mine, wanted) << std::hex << "arch " << call.architecture << std::dec << " call " << call.number << std::hex
                          << " args " << call.args[0] << " " << call.args[1] << " " << call.args[2];
}

void expect_same_on(const Seccomp& filter, const Machine& machine, const Program& ours, const Program& theirs) {
  const auto values = interesting_values(filter);
  for (const std::uint32_t number : known_syscalls(machine.abi)) {
    // What libseccomp does not know yet has no answer of its to compare with.
    char* known = seccomp_syscall_resolve_num_arch(library_token(machine.name), static_cast<int>(number));
    const bool comparable = known != nullptr;
    free(known);
    if (!comparable) continue;
    for (const std::uint64_t first : values) {
      for (const std::uint64_t second : {std::uint64_t{0}, std::uint64_t{7}, first}) {
        const std::uint64_t mask = machine.wide ? UINT64_MAX : UINT32_MAX;
        expect_same(ours, theirs,
                    {machine.audit, number, {first & mask, second & mask, second & mask, 0, 0, first & mask}});
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

void expect_same_as_library(const Seccomp& filter) {
  const auto ours = compile_seccomp(filter);
  ASSERT_TRUE(ours) << ours.error().sentence();
  const Program theirs = library_program(filter);
  for (const Machine& machine : kMachines) {
    if (std::find(filter.architectures.begin(), filter.architectures.end(), machine.name) == filter.architectures.end())
      continue;
    SCOPED_TRACE(machine.name);
    expect_same_on(filter, machine, *ours, theirs);
    if (testing::Test::HasFatalFailure()) return;
  }
}

SeccompRule rule(std::vector<std::string> names, const char* action, std::vector<SeccompArg> args = {},
                 std::optional<unsigned> number = {}) {
  return {std::move(names), action, number, std::move(args)};
}

Seccomp filter_of(std::vector<SeccompRule> rules, const char* otherwise = kErrno) {
  return {otherwise, std::nullopt, {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"}, std::move(rules)};
}

std::uint32_t ask(const Seccomp& filter, std::uint32_t number, std::uint64_t first = 0,
                  std::uint32_t audit = AUDIT_ARCH_X86_64) {
  const auto program = compile_seccomp(filter);
  EXPECT_TRUE(program);
  return run_filter(*program, {audit, number, {first}});
}

TEST(CompileSeccomp, RefusesWhatMakesNoSense) {
  std::vector<Seccomp> wrong(8, filter_of({}));
  wrong[0].architectures = {};
  wrong[1].architectures = {"SCMP_ARCH_PPC"};
  wrong[2].architectures = {"SCMP_ARCH_X32"};
  wrong[3].default_action = "SCMP_ACT_TRACE";
  wrong[4].default_errno_ret = 4096;
  wrong[5].rules = {rule({"read"}, kAllow, {{6, 0, 0, "SCMP_CMP_EQ"}})};
  wrong[6].rules = {rule({"read"}, kAllow, {{0, 0, 0, "SCMP_CMP_ABOUT"}})};
  wrong[7].rules = {rule({"read"}, kAllow), rule({"read"}, "SCMP_ACT_TRAP")};
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const auto refused = compile_seccomp(wrong[i]);
    ASSERT_FALSE(refused) << i;
    EXPECT_EQ(refused.error().kind(), Kind::invalid) << i;
    EXPECT_THAT(refused.error().sentence(), HasSubstr("seccomp"));
  }
}

TEST(CompileSeccomp, RefusesAProgramTheKernelWouldNotTake) {
  Seccomp filter = filter_of({});
  for (std::uint64_t value = 0; value < 2000; ++value)
    filter.rules.push_back(rule({"read"}, kAllow, {{0, value, 0, "SCMP_CMP_EQ"}}));
  EXPECT_EQ(compile_seccomp(filter).error().kind(), Kind::invalid);
}

TEST(CompileSeccomp, AnswersEveryOperatorAsLibseccompDoes) {
  const std::uint64_t wide = 0x1234500000007;
  for (const auto* op : {"SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_LT", "SCMP_CMP_LE"}) {
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{40}, std::uint64_t{0xffffffff}}) {
      SCOPED_TRACE(concat(op, " ", value));
      expect_same_as_library(filter_of({rule({"write", "close"}, kAllow, {{0, value, 0, op}})}));
    }
    SCOPED_TRACE(op);
    Seccomp only64 = filter_of({rule({"write"}, kAllow, {{0, wide, 0, op}})});
    only64.architectures = {"SCMP_ARCH_X86_64"};
    expect_same_as_library(only64);
  }
  expect_same_as_library(filter_of({rule({"clone"}, kAllow, {{0, 0x7e020000, 0, "SCMP_CMP_MASKED_EQ"}})}));
  expect_same_as_library(filter_of({rule({"ioctl"}, kAllow, {{1, 0xff, 0x1207, "SCMP_CMP_MASKED_EQ"}})}));
}

TEST(CompileSeccomp, AnswersSeveralConditionsAsLibseccompDoes) {
  expect_same_as_library(filter_of(
      {rule({"write"}, kAllow, {{0, 7, 0, "SCMP_CMP_EQ"}, {1, 7, 0, "SCMP_CMP_LE"}, {5, 7, 0, "SCMP_CMP_NE"}})}));
  expect_same_as_library(filter_of({rule({"write"}, kAllow, {{0, 7, 0, "SCMP_CMP_EQ"}}),
                                    rule({"write"}, kAllow, {{0, 40, 0, "SCMP_CMP_EQ"}}),
                                    rule({"write"}, kAllow, {{1, 1, 0, "SCMP_CMP_EQ"}})}));
  // An unconditional rule takes the whole call, wherever it stands.
  expect_same_as_library(
      filter_of({rule({"write"}, kAllow), rule({"write"}, "SCMP_ACT_TRAP", {{0, 7, 0, "SCMP_CMP_EQ"}})}));
  expect_same_as_library(
      filter_of({rule({"write"}, "SCMP_ACT_TRAP", {{0, 7, 0, "SCMP_CMP_EQ"}}), rule({"write"}, kAllow)}));
}

TEST(CompileSeccomp, TakesTwoConditionsOnOneArgumentAsAlternatives) {
  const Seccomp filter = filter_of({rule({"write"}, kAllow, {{0, 1, 0, "SCMP_CMP_EQ"}, {0, 2, 0, "SCMP_CMP_EQ"}})});
  EXPECT_EQ(ask(filter, SYS_write, 1), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(filter, SYS_write, 2), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(filter, SYS_write, 3), SECCOMP_RET_ERRNO | EPERM);
}

TEST(CompileSeccomp, AnswersActionsAndDefaultsAsLibseccompDoes) {
  for (const auto* otherwise :
       {kAllow, kErrno, "SCMP_ACT_LOG", "SCMP_ACT_TRAP", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL"}) {
    SCOPED_TRACE(otherwise);
    expect_same_as_library(filter_of(
        {rule({"read"}, kAllow), rule({"open"}, kErrno, {}, 13), rule({"close"}, "SCMP_ACT_LOG"),
         rule({"mmap"}, "SCMP_ACT_TRAP"), rule({"futex"}, "SCMP_ACT_KILL_PROCESS"), rule({"no_such_call"}, kAllow)},
        otherwise));
  }
}

TEST(CompileSeccomp, AnswersTheDefaultProfileAsLibseccompDoes) {
  const std::vector<std::string> all(capability_names().begin(), capability_names().end());
  for (const auto* architecture : {"amd64", "arm64"}) {
    for (const auto& capabilities : {std::vector<std::string>{}, std::vector<std::string>{"CAP_SYS_CHROOT"}, all}) {
      const auto profile = default_seccomp(capabilities, architecture);
      ASSERT_TRUE(profile);
      SCOPED_TRACE(concat(architecture, " with ", capabilities.size(), " capabilities"));
      expect_same_as_library(*profile);
    }
  }
}

TEST(CompileSeccomp, KillsForeignArchitecturesAndX32) {
  const Seccomp filter = filter_of({}, kAllow);
  EXPECT_EQ(ask(filter, SYS_read, 0, AUDIT_ARCH_AARCH64), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(ask(filter, 0x40000000), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(ask(filter, 0x40000000 + SYS_read), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(ask(filter, 0xfffffffe), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(ask(filter, 0xffffffff), SECCOMP_RET_ALLOW);
  Seccomp with_x32 = filter_of({rule({"read"}, kAllow)});
  with_x32.architectures.push_back("SCMP_ARCH_X32");
  EXPECT_EQ(ask(with_x32, 0x40000000 + SYS_read), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(with_x32, 0x40000000 + SYS_write), SECCOMP_RET_ERRNO | EPERM);
  expect_same_as_library(with_x32);
}

TEST(CompileSeccomp, SaysOfNewerCallsThatTheyDoNotExist) {
  const Seccomp errno_filter = filter_of({rule({"read"}, kAllow)});
  for (const std::uint32_t number : {600U, 1000U, 0x3fffffffU}) {
    EXPECT_EQ(ask(errno_filter, number), SECCOMP_RET_ERRNO | ENOSYS) << number;
    EXPECT_EQ(ask(filter_of({}, "SCMP_ACT_KILL"), number), SECCOMP_RET_KILL_THREAD) << number;
    EXPECT_EQ(ask(filter_of({rule({"read"}, kErrno)}, kAllow), number), SECCOMP_RET_ALLOW) << number;
  }
  EXPECT_EQ(ask(errno_filter, SYS_mount), SECCOMP_RET_ERRNO | EPERM);
}

TEST(CompileSeccomp, SplitsProgramsThatJumpsCannotSpan) {
  // Each condition takes several instructions; together they are far beyond 255.
  std::vector<SeccompRule> rules;
  for (const auto* name :
       {"read", "write", "close", "lseek", "mmap", "ioctl", "dup", "fcntl", "flock", "chdir", "kill", "umask"}) {
    for (std::uint64_t value = 0; value < 20; ++value) {
      rules.push_back(rule({name}, kAllow, {{0, value * 3, 0, "SCMP_CMP_EQ"}}));
    }
  }
  expect_same_as_library(filter_of(rules));
}

}  // namespace
}  // namespace tank::oci
