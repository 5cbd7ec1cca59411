// Signals of this process: blocked and read as data, or put back to what a new program expects.
#pragma once

#include <initializer_list>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// Every signal's action back to the default (execve(2) keeps what is ignored), and none blocked.
void reset_signals();
void ignore_signal(int signum);
void default_signal(int signum);
void block_all_signals();
void unblock_all_signals();
/// A descriptor that gives these signals, which are blocked from now on.
Result<Fd> make_signal_fd(std::initializer_list<int> signals);
/// The next signal out of it; 0 when there is none.
int next_signal(const Fd& signals);
/// Waits for any signal; all must be blocked. Gives its number.
int wait_for_signal();

}  // namespace tank::sys
