#include "sys/capability.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace tank::sys {

static_assert(kCapabilitySysAdmin == std::uint64_t{1} << CAP_SYS_ADMIN);

namespace {

/// In the order of linux/capability.h: the index is the bit.
constexpr std::array<std::string_view, 41> kNames = {"CAP_CHOWN",
                                                     "CAP_DAC_OVERRIDE",
                                                     "CAP_DAC_READ_SEARCH",
                                                     "CAP_FOWNER",
                                                     "CAP_FSETID",
                                                     "CAP_KILL",
                                                     "CAP_SETGID",
                                                     "CAP_SETUID",
                                                     "CAP_SETPCAP",
                                                     "CAP_LINUX_IMMUTABLE",
                                                     "CAP_NET_BIND_SERVICE",
                                                     "CAP_NET_BROADCAST",
                                                     "CAP_NET_ADMIN",
                                                     "CAP_NET_RAW",
                                                     "CAP_IPC_LOCK",
                                                     "CAP_IPC_OWNER",
                                                     "CAP_SYS_MODULE",
                                                     "CAP_SYS_RAWIO",
                                                     "CAP_SYS_CHROOT",
                                                     "CAP_SYS_PTRACE",
                                                     "CAP_SYS_PACCT",
                                                     "CAP_SYS_ADMIN",
                                                     "CAP_SYS_BOOT",
                                                     "CAP_SYS_NICE",
                                                     "CAP_SYS_RESOURCE",
                                                     "CAP_SYS_TIME",
                                                     "CAP_SYS_TTY_CONFIG",
                                                     "CAP_MKNOD",
                                                     "CAP_LEASE",
                                                     "CAP_AUDIT_WRITE",
                                                     "CAP_AUDIT_CONTROL",
                                                     "CAP_SETFCAP",
                                                     "CAP_MAC_OVERRIDE",
                                                     "CAP_MAC_ADMIN",
                                                     "CAP_SYSLOG",
                                                     "CAP_WAKE_ALARM",
                                                     "CAP_BLOCK_SUSPEND",
                                                     "CAP_AUDIT_READ",
                                                     "CAP_PERFMON",
                                                     "CAP_BPF",
                                                     "CAP_CHECKPOINT_RESTORE"};

bool has(std::uint64_t mask, unsigned bit) { return (mask >> bit & 1U) != 0; }

}  // namespace

std::optional<unsigned> capability_by_name(std::string_view name) {
  for (unsigned bit = 0; bit < kNames.size(); ++bit) {
    if (kNames[bit] == name) return bit;
  }
  return std::nullopt;
}

Result<> limit_bounding_set(std::uint64_t keep) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    if (has(keep, bit) || ::prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) == 0) continue;
    // EINVAL: beyond the last capability this kernel knows, which the headers may not.
    if (errno == EINVAL) return {};
    return errno_error("dropping capability ", bit, " from the bounding set");
  }
  return {};
}

Result<> keep_capabilities() {
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return errno_error("keeping capabilities over a change of user");
  return {};
}

Result<> set_capabilities(std::uint64_t effective, std::uint64_t permitted, std::uint64_t inheritable) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const auto half = [](std::uint64_t mask, unsigned which) { return static_cast<std::uint32_t>(mask >> (32 * which)); };
  const std::array<__user_cap_data_struct, 2> data = {{{half(effective, 0), half(permitted, 0), half(inheritable, 0)},
                                                       {half(effective, 1), half(permitted, 1), half(inheritable, 1)}}};
  if (::syscall(SYS_capset, &header, data.data()) < 0) return errno_error("setting the capabilities");
  return {};
}

Result<> raise_ambient(std::uint64_t ambient) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    if (!has(ambient, bit)) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0) < 0) {
      return errno_error("raising ambient capability ", bit);
    }
  }
  return {};
}

Result<> set_no_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return errno_error("setting no_new_privs");
  return {};
}

}  // namespace tank::sys
