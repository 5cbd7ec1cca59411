#include "sys/namespace.h"

#include <fcntl.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "sys/file.h"

namespace tank::sys {

Result<NetnsFd> open_netns(const std::filesystem::path& path) {
  Fd fd = TRY(open_path(path, O_RDONLY));
  return NetnsFd(fd.release());
}

Result<NetnsFd> open_netns(pid_t pid) { return open_netns(std::filesystem::path(concat("/proc/", pid, "/ns/net"))); }

// Not /proc/self: that is the process's first thread, which may be elsewhere.
Result<NetnsFd> open_own_netns() { return open_netns(std::filesystem::path("/proc/thread-self/ns/net")); }

Result<NetnsVisit> NetnsVisit::enter(const NetnsFd& netns) {
  NetnsFd home = TRY(open_own_netns());
  if (::setns(netns.get(), CLONE_NEWNET) < 0) return errno_error("entering a network namespace");
  return NetnsVisit(std::move(home));
}

NetnsVisit::~NetnsVisit() {
  if (!home_.is_open()) return;
  if (::setns(home_.get(), CLONE_NEWNET) == 0) return;
  std::perror("tank: cannot return to the own network namespace");
  std::abort();  // habit: exit; going on would configure another pod's network
}

}  // namespace tank::sys
