// The words of classic BPF as seccomp(2) reads it: kernel ABI, so plain numbers here, held against the kernel's headers
// by the room's test.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tank::oci::bpf {

/// struct sock_filter.
struct Instruction {
  std::uint16_t code = 0;
  std::uint8_t if_true = 0;   ///< instructions to skip
  std::uint8_t if_false = 0;  ///< likewise
  std::uint32_t operand = 0;
  bool operator==(const Instruction&) const = default;
};

constexpr std::uint16_t kLoadWord = 0x20;     ///< accumulator := word at byte `operand` of struct seccomp_data
constexpr std::uint16_t kAnd = 0x54;          ///< accumulator &= operand
constexpr std::uint16_t kJump = 0x05;         ///< skip `operand` instructions
constexpr std::uint16_t kJumpEqual = 0x15;    ///< accumulator == operand
constexpr std::uint16_t kJumpGreater = 0x25;  ///< accumulator > operand, unsigned
constexpr std::uint16_t kJumpAtLeast = 0x35;  ///< accumulator >= operand, unsigned
constexpr std::uint16_t kReturn = 0x06;

/// struct seccomp_data, little-endian.
constexpr std::uint32_t kNumberOffset = 0;
constexpr std::uint32_t kArchitectureOffset = 4;
constexpr std::uint32_t low_word_of_argument(unsigned index) { return 16 + 8 * index; }
constexpr std::uint32_t high_word_of_argument(unsigned index) { return 20 + 8 * index; }
constexpr unsigned kArguments = 6;

/// BPF_MAXINSNS: the longest program the kernel takes.
constexpr std::size_t kMostInstructions = 4096;

/// What a filter returns: the action above, its data (an errno) below.
constexpr std::uint32_t kKillProcess = 0x80000000;
constexpr std::uint32_t kKillThread = 0x00000000;
constexpr std::uint32_t kTrap = 0x00030000;
constexpr std::uint32_t kErrno = 0x00050000;
constexpr std::uint32_t kLog = 0x7ffc0000;
constexpr std::uint32_t kAllow = 0x7fff0000;
constexpr std::uint32_t kActionMask = 0xffff0000;
constexpr unsigned kMostErrno = 4095;

/// AUDIT_ARCH_*.
constexpr std::uint32_t kX86_64 = 0xc000003e;
constexpr std::uint32_t kX86 = 0x40000003;
constexpr std::uint32_t kAarch64 = 0xc00000b7;
constexpr std::uint32_t kArm = 0x40000028;
/// Calls of the x32 ABI come with the architecture of x86_64 and this bit in the number.
constexpr std::uint32_t kX32Bit = 0x40000000;

}  // namespace tank::oci::bpf
