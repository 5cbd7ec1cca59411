#include "sys/identity.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace tank::sys {

namespace {

struct Resource {
  std::string_view name;
  int number;
};

constexpr std::array<Resource, 16> kResources = {{{"RLIMIT_AS", RLIMIT_AS},
                                                  {"RLIMIT_CORE", RLIMIT_CORE},
                                                  {"RLIMIT_CPU", RLIMIT_CPU},
                                                  {"RLIMIT_DATA", RLIMIT_DATA},
                                                  {"RLIMIT_FSIZE", RLIMIT_FSIZE},
                                                  {"RLIMIT_LOCKS", RLIMIT_LOCKS},
                                                  {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
                                                  {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
                                                  {"RLIMIT_NICE", RLIMIT_NICE},
                                                  {"RLIMIT_NOFILE", RLIMIT_NOFILE},
                                                  {"RLIMIT_NPROC", RLIMIT_NPROC},
                                                  {"RLIMIT_RSS", RLIMIT_RSS},
                                                  {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
                                                  {"RLIMIT_RTTIME", RLIMIT_RTTIME},
                                                  {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
                                                  {"RLIMIT_STACK", RLIMIT_STACK}}};

}  // namespace

// Raw calls: the C library's versions would signal every thread, and it knows of none here but keeps the books.
Result<> become_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
  if (::syscall(SYS_setgroups, groups.size(), groups.data()) < 0)
    return errno_error("setting the supplementary groups");
  if (::syscall(SYS_setresgid, gid, gid, gid) < 0) return errno_error("becoming group ", gid);
  if (::syscall(SYS_setresuid, uid, uid, uid) < 0) return errno_error("becoming user ", uid);
  return {};
}

std::optional<int> resource_by_name(std::string_view name) {
  const auto* found =
      std::find_if(kResources.begin(), kResources.end(), [&](const Resource& r) { return r.name == name; });
  if (found == kResources.end()) return std::nullopt;
  return found->number;
}

Result<> limit_resource(int resource, std::uint64_t soft, std::uint64_t hard) {
  const auto which = static_cast<__rlimit_resource>(resource);
  rlimit64 wanted{soft, hard};
  if (::prlimit64(0, which, &wanted, nullptr) == 0) return {};
  if (errno != EPERM) return errno_error("setting resource limit ", resource);
  rlimit64 now{};
  if (::prlimit64(0, which, nullptr, &now) < 0) return errno_error("reading resource limit ", resource);
  wanted.rlim_max = std::min(hard, static_cast<std::uint64_t>(now.rlim_max));
  wanted.rlim_cur = std::min(soft, static_cast<std::uint64_t>(wanted.rlim_max));
  if (::prlimit64(0, which, &wanted, nullptr) < 0) return errno_error("setting resource limit ", resource);
  return {};
}

void set_oom_score_adjustment(int adjustment) {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  std::array<char, 16> text{};
  const int size = std::snprintf(text.data(), text.size(), "%d", adjustment);
  (void)!::write(file, text.data(), static_cast<std::size_t>(size));
  ::close(file);
}

}  // namespace tank::sys
