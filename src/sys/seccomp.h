// Installing a seccomp filter that somebody else compiled.
#pragma once

#include <cstddef>

#include "tank/result.h"

namespace tank::sys {

/// The size of one instruction, struct sock_filter.
inline constexpr std::size_t kFilterInstructionSize = 8;
/// The kernel's bound on instructions in one program.
inline constexpr std::size_t kMaxFilterInstructions = 4096;

/// seccomp(2) SECCOMP_SET_MODE_FILTER. Needs no_new_privs or CAP_SYS_ADMIN. `program` is an array of struct
/// sock_filter.
Result<> install_seccomp_filter(const void* program, std::size_t bytes);

}  // namespace tank::sys
