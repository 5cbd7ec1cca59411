#include "sys/host_limits.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <array>

namespace tank::sys {

Result<OpenFiles> open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return errno_error("reading RLIMIT_NOFILE");
  return OpenFiles{limit.rlim_cur, limit.rlim_max};
}

Result<std::uint64_t> available_capabilities() {
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) < 0) return errno_error("reading capabilities");
  const std::uint64_t permitted = sets[0].permitted | (std::uint64_t{sets[1].permitted} << 32U);
  std::uint64_t out = 0;
  for (unsigned number = 0; number < 64; ++number) {
    const std::uint64_t bit = std::uint64_t{1} << number;
    if ((permitted & bit) == 0) continue;
    // EINVAL: the kernel does not know the number, nor any above it.
    const int bounding = ::prctl(PR_CAPBSET_READ, static_cast<unsigned long>(number), 0UL, 0UL, 0UL);
    if (bounding < 0) break;
    if (bounding == 1) out |= bit;
  }
  return out;
}

Result<std::int64_t> total_memory() {
  struct sysinfo info {};
  if (::sysinfo(&info) < 0) return errno_error("reading the size of memory");
  return static_cast<std::int64_t>(info.totalram) * static_cast<std::int64_t>(info.mem_unit);
}

}  // namespace tank::sys
