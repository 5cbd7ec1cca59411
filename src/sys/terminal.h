// Pseudo-terminals opened through one devpts instance, never by a path inside a container.
#pragma once

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

struct Terminal {
  Fd master;
  Fd slave;
};

/// A new pair from the `ptmx` in `devpts`, a directory descriptor of a devpts mount (checked). The slave comes from
/// TIOCGPTPEER.
Result<Terminal> open_terminal(const Fd& devpts);
/// TIOCSCTTY: makes it the controlling terminal of this session, whose leader we are.
Result<> take_controlling_terminal(int terminal);

}  // namespace tank::sys
