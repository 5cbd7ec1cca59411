// Numbers of system calls by name, on the architectures a filter may speak of.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tank::oci {

enum class Abi : std::uint8_t { x86_64, x86, x32, aarch64, arm };

/// One call, under the same name everywhere.
class Syscall {
 public:
  explicit Syscall(std::uint16_t row) : row_(row) {}
  /// Nothing when the architecture does not have it.
  std::optional<std::uint32_t> number(Abi abi) const;

 private:
  std::uint16_t row_;
};

/// Nothing when no kernel we know of has it anywhere.
std::optional<Syscall> find_syscall(std::string_view name);

/// Every number the architecture has, in ascending order.
std::span<const std::uint32_t> known_syscalls(Abi abi);

}  // namespace tank::oci
