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

/// to = the 32-bit word at from + offset, zero-extended.
Instruction load_word(Register to, Register from, std::int16_t offset);
Instruction copy(Register to, Register from);
Instruction set(Register to, std::int32_t value);
Instruction bit_and(Register to, std::int32_t mask);
Instruction shift_right(Register to, std::int32_t bits);
/// Jumps count instructions from the one after the jump.
Instruction jump(std::int16_t distance);
Instruction jump_if_equal(Register left, std::int32_t right, std::int16_t distance);
Instruction jump_if_not_equal(Register left, std::int32_t right, std::int16_t distance);
Instruction jump_if_any_bit(Register left, std::int32_t mask, std::int16_t distance);
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
