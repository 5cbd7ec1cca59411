// Pipes and copies of descriptors.
#pragma once

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

struct Pipe {
  Fd read_end;
  Fd write_end;
};

/// pipe2(2) with O_CLOEXEC.
Result<Pipe> make_pipe();

/// fcntl(2) F_DUPFD_CLOEXEC.
Result<Fd> duplicate(const Fd& fd);
Result<Fd> duplicate(int number);

}  // namespace tank::sys
