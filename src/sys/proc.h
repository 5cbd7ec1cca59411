// Facts about processes that /proc has and pidfds lack.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// When a process started, in clock ticks since boot (proc_pid_stat(5), field 22). Kind::not_found when it is gone.
Result<std::uint64_t> start_time(pid_t pid);

/// A pidfd for this process, but only when it started then: a later process with the same number is Kind::not_found.
Result<PidFd> open_process(pid_t pid, std::uint64_t started);

/// SIGKILL through the pidfd; a process that is gone already is success.
Result<> kill_process(const PidFd& process);

}  // namespace tank::sys
