// Runs a small program of the host to its end and keeps what it said. For credential helpers: never a shell, never
// without a deadline, never more output than asked for.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tank/result.h"

namespace tank::sys {

struct Captured {
  int exit_code = 0;  ///< 128+n when signal n ended it
  std::string out;    ///< standard output
};

/// Starts argv[0], looked up in $PATH when it has no slash, with `input` (at most 64 KiB) as standard input and
/// standard error dropped, and waits. It is killed when it takes longer than `patience` (Kind::timeout) or says more
/// than `limit` bytes (Kind::invalid). Kind::not_found when there is no such program.
Result<Captured> capture(const std::vector<std::string>& argv, std::string_view input, std::size_t limit,
                         std::chrono::milliseconds patience);

}  // namespace tank::sys
