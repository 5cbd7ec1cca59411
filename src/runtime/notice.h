// What the shim says, in the words of the runtime.
#pragma once

#include <chrono>

#include "runtime/bring_up.h"
#include "shim/client.h"
#include "tank/result.h"

namespace tank::runtime {

/// How long a killed process may take to be gone before we call it stuck in the kernel.
inline constexpr std::chrono::milliseconds kPatienceWithDying{10'000};

/// A failed or aborted notice as an error; a command that cannot be executed gets its own kinds (exit codes 126, 127).
Error to_error(const shim::Notice& notice);

enum class OnStop : std::uint8_t {
  abort,  ///< somebody who asks to stop ends the waiting
  go_on,  ///< it is seen to later: something runs already and deserves its grace
};
/// The next notice during a bring-up. Kind::aborted when somebody asks to stop, timeout when the shim says nothing for
/// two minutes.
Result<shim::Notice> next_notice(BringUp& work, OnStop on_stop);

}  // namespace tank::runtime
