#include "sys/bpf.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace tank::sys::bpf {

namespace {

static_assert(kAccessAndType == offsetof(bpf_cgroup_dev_ctx, access_type));
static_assert(kMajor == offsetof(bpf_cgroup_dev_ctx, major) && kMinor == offsetof(bpf_cgroup_dev_ctx, minor));
static_assert(kBlock == BPF_DEVCG_DEV_BLOCK && kCharacter == BPF_DEVCG_DEV_CHAR);
static_assert(kMknod == BPF_DEVCG_ACC_MKNOD && kRead == BPF_DEVCG_ACC_READ && kWrite == BPF_DEVCG_ACC_WRITE);
static_assert(sizeof(Instruction) == sizeof(bpf_insn));

Instruction encode(unsigned code, Register to, Register from, std::int16_t offset, std::int32_t value) {
  bpf_insn parts{};
  parts.code = static_cast<__u8>(code);
  parts.dst_reg = static_cast<__u8>(to) & 0xf;
  parts.src_reg = static_cast<__u8>(from) & 0xf;
  parts.off = offset;
  parts.imm = value;
  Instruction whole = 0;
  std::memcpy(&whole, &parts, sizeof whole);
  return whole;
}

unsigned code_of(Operation operation) {
  switch (operation) {
    case Operation::copy: return BPF_MOV;
    case Operation::add: return BPF_ADD;
    case Operation::bit_and: return BPF_AND;
    case Operation::bit_or: return BPF_OR;
    case Operation::bit_xor: return BPF_XOR;
    case Operation::shift_left: return BPF_LSH;
    case Operation::shift_right: return BPF_RSH;
    case Operation::signed_shift_right: return BPF_ARSH;
  }
  return BPF_MOV;
}

unsigned class_of(Width width) { return width == Width::word ? BPF_ALU : BPF_ALU64; }

long call(bpf_cmd command, bpf_attr& attributes) { return ::syscall(SYS_bpf, command, &attributes, sizeof attributes); }

__u64 address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

// More than this on one cgroup are not ours; the kernel's own bound is 64 (BPF_CGROUP_MAX_PROGS).
constexpr std::size_t kMostPrograms = 64;

Result<std::vector<__u32>> attached_programs(const Fd& cgroup) {
  std::array<__u32, kMostPrograms> ids{};
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<__u32>(cgroup.get());
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address(ids.data());
  attributes.query.prog_cnt = kMostPrograms;
  if (call(BPF_PROG_QUERY, attributes) < 0) return errno_error("asking a cgroup for its device programs");
  return std::vector<__u32>(ids.begin(), ids.begin() + attributes.query.prog_cnt);
}

Result<> detach(const Fd& cgroup, __u32 id) {
  bpf_attr by_id{};
  by_id.prog_id = id;
  const Fd program(static_cast<int>(call(BPF_PROG_GET_FD_BY_ID, by_id)));
  if (!program.is_open()) return errno_error("opening device program ", id);
  bpf_attr attributes{};
  attributes.target_fd = static_cast<__u32>(cgroup.get());
  attributes.attach_bpf_fd = static_cast<__u32>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  if (call(BPF_PROG_DETACH, attributes) < 0) return errno_error("detaching device program ", id);
  return {};
}

}  // namespace

Instruction compute(Register to, Operation operation, Register from, Width width) {
  return encode(code_of(operation) | class_of(width) | BPF_X, to, from, 0, 0);
}
Instruction compute(Register to, Operation operation, std::int32_t value, Width width) {
  return encode(code_of(operation) | class_of(width) | BPF_K, to, Register::r0, 0, value);
}
Instruction load_word(Register to, Register from, std::int16_t offset) {
  return encode(BPF_LDX | BPF_W | BPF_MEM, to, from, offset, 0);
}
Instruction exit() { return encode(BPF_JMP | BPF_EXIT, Register::r0, Register::r0, 0, 0); }

Result<Fd> load_device_program(const std::vector<Instruction>& program) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = address(program.data());
  attributes.insn_cnt = static_cast<__u32>(program.size());
  // The kernel hides helpers from programs under other licences; this one calls none, so any name would do.
  attributes.license = address("MIT");
  std::memcpy(attributes.prog_name, "tank_devices", sizeof "tank_devices");
  // EAGAIN: a signal interrupted the verifier.
  for (int attempt = 0; attempt < 16; ++attempt) {
    const long number = call(BPF_PROG_LOAD, attributes);
    if (number >= 0) return Fd(static_cast<int>(number));  // bpf(2) sets close-on-exec itself
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return errno_error("loading a device program of ", program.size(), " instructions");
}

Result<> attach_device_program(const Fd& cgroup, const Fd& program) {
  const std::vector<__u32> earlier = TRY(attached_programs(cgroup));
  bpf_attr attributes{};
  attributes.target_fd = static_cast<__u32>(cgroup.get());
  attributes.attach_bpf_fd = static_cast<__u32>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  // With BPF_F_ALLOW_OVERRIDE a program further down would replace ours; with no flag a service manager inside the
  // container could attach none of its own. With this one all of them run and all must agree.
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (call(BPF_PROG_ATTACH, attributes) < 0) return errno_error("attaching a device program to a cgroup");
  for (const __u32 id : earlier) TRY(detach(cgroup, id));
  return {};
}

Result<std::size_t> count_device_programs(const Fd& cgroup) {
  const std::vector<__u32> ids = TRY(attached_programs(cgroup));
  return ids.size();
}

}  // namespace tank::sys::bpf
