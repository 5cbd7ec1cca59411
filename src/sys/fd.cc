#include "sys/fd.h"

#include <unistd.h>

namespace tank::sys {

void Fd::reset() {
  // EINTR from close(2) leaves the descriptor closed on Linux; retrying could close somebody else's.
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

}  // namespace tank::sys
