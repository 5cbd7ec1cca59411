#include "sys/pipe.h"

#include <fcntl.h>
#include <unistd.h>

namespace tank::sys {

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return errno_error("making a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> duplicate(const Fd& fd) { return duplicate(fd.get()); }

Result<Fd> duplicate(int number) {
  const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return errno_error("copying descriptor ", number);
  return Fd(copy);
}

}  // namespace tank::sys
