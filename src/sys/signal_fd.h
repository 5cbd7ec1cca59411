// Signals as things to read: blocked in every thread made from here on, taken from a descriptor instead.
#pragma once

#include <optional>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

class SignalFd : public Fd {
 public:
  using Fd::Fd;
  /// Blocks these signals in the calling thread and its later threads, and opens a descriptor for them.
  static Result<SignalFd> open(const std::vector<int>& signals);
  /// The next pending one, if any.
  std::optional<int> next() const;
};

/// Writing to a pipe nobody reads becomes EPIPE instead of a death.
void ignore_broken_pipes();

}  // namespace tank::sys
