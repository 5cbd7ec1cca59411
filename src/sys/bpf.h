// eBPF programs that decide about devices: an assembler for the handful of instructions such a program needs, and the
// calls that load one and attach it to a cgroup. See Documentation/bpf/standardization/instruction-set in the kernel's
// tree, and struct bpf_cgroup_dev_ctx in <linux/bpf.h> for what the program is given in register 1.
#pragma once

#include <cstdint>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys::bpf {

/// One instruction, laid out as struct bpf_insn.
using Instruction = std::uint64_t;

enum class Register : std::uint8_t { r0, r1, r2, r3, r4, r5 };

enum class Operation : std::uint8_t {
  copy,
  add,
  bit_and,
  bit_or,
  bit_xor,
  shift_left,
  shift_right,
  signed_shift_right
};

/// A word is the lower half of a register; an operation on words leaves zeros in the upper one.
enum class Width : std::uint8_t { whole, word };

/// to = to OPERATION from, or to OPERATION value (sign-extended).
Instruction compute(Register to, Operation operation, Register from, Width width = Width::whole);
Instruction compute(Register to, Operation operation, std::int32_t value, Width width = Width::whole);
/// to = the word at from + offset.
Instruction load_word(Register to, Register from, std::int16_t offset);
/// Ends the program; register 0 is its answer.
Instruction exit();

/// struct bpf_cgroup_dev_ctx: offsets of its words. The first holds the access asked for in its upper half and the
/// device's type in its lower half.
inline constexpr std::int16_t kAccessAndType = 0;
inline constexpr std::int16_t kMajor = 4;
inline constexpr std::int16_t kMinor = 8;
inline constexpr std::int32_t kBlock = 1;
inline constexpr std::int32_t kCharacter = 2;
inline constexpr std::int32_t kMknod = 1;
inline constexpr std::int32_t kRead = 2;
inline constexpr std::int32_t kWrite = 4;

/// Loads a program that returns 1 (allow) or 0 (deny) for an access to a device. Kind::denied when the kernel or the
/// machine's policy lets us load none, Kind::kernel (EINVAL) when it was built without cgroup programs.
Result<Fd> load_device_program(const std::vector<Instruction>& program);

/// Makes the program the one of this cgroup (a directory of the unified hierarchy). It lives as long as the cgroup
/// does. Those attached there before go, so doing it twice is as doing it once; those of ancestors keep their say.
Result<> attach_device_program(const Fd& cgroup, const Fd& program);

/// How many device programs are attached to this very cgroup.
Result<std::size_t> count_device_programs(const Fd& cgroup);

}  // namespace tank::sys::bpf
