#include "oci/syscall_table.h"

#include <algorithm>
#include <array>

namespace tank::oci {

namespace {

/// Names stand in one text, so that the program needs no relocation for each of them.
struct Row {
  std::uint16_t name;
  std::uint16_t length;
  std::array<std::int32_t, 5> numbers;  ///< by Abi; −1: none
};

#include "syscall_table.inc"

std::string_view name_of(const Row& row) { return {&kNames[row.name], row.length}; }

}  // namespace

std::optional<std::uint32_t> Syscall::number(Abi abi) const {
  const std::int32_t number = kRows[row_].numbers[static_cast<std::size_t>(abi)];
  if (number < 0) return std::nullopt;
  return static_cast<std::uint32_t>(number);
}

std::optional<Syscall> find_syscall(std::string_view name) {
  const auto* const found = std::lower_bound(
      kRows.begin(), kRows.end(), name, [](const Row& row, std::string_view wanted) { return name_of(row) < wanted; });
  if (found == kRows.end() || name_of(*found) != name) return std::nullopt;
  return Syscall(static_cast<std::uint16_t>(found - kRows.begin()));
}

std::span<const std::uint32_t> known_syscalls(Abi abi) {
  const auto index = static_cast<std::size_t>(abi);
  return {&kKnown[kStarts[index]], kStarts[index + 1] - kStarts[index]};
}

}  // namespace tank::oci
