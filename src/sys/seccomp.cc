#include "sys/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tank::sys {

static_assert(sizeof(sock_filter) == kFilterInstructionSize && kMaxFilterInstructions == BPF_MAXINSNS);

Result<> install_seccomp_filter(const void* program, std::size_t bytes) {
  const sock_fprog filter{static_cast<unsigned short>(bytes / sizeof(sock_filter)),
                          static_cast<sock_filter*>(const_cast<void*>(program))};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
    return errno_error("installing the seccomp filter");
  return {};
}

}  // namespace tank::sys
