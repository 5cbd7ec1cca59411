// Network namespaces: get hold of one, and work inside it for a moment.
//
// setns(2) moves only the calling thread, so a visit is invisible to the other threads of the process; but whatever the
// thread opens by path under /proc/sys/net, and every socket it makes, belongs to the namespace visited.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// The network namespace of a process. The caller makes sure that the pid cannot be reused meanwhile (a child it has
/// not reaped). Error kinds: not_found, denied.
Result<NetnsFd> open_netns(pid_t pid);
/// A network namespace by the path of its file (/proc/PID/ns/net, or a bind mount of one).
Result<NetnsFd> open_netns(const std::filesystem::path& path);
/// The one the calling thread is in.
Result<NetnsFd> open_own_netns();

/// The calling thread is inside a network namespace for as long as this lives. Must be destroyed on the thread that
/// made it. When the way back fails the process aborts: going on in the wrong namespace would be worse.
class NetnsVisit {
 public:
  static Result<NetnsVisit> enter(const NetnsFd& netns);

  NetnsVisit(NetnsVisit&&) = default;
  NetnsVisit& operator=(NetnsVisit&&) = delete;
  ~NetnsVisit();

 private:
  explicit NetnsVisit(NetnsFd home) : home_(std::move(home)) {}
  NetnsFd home_;
};

}  // namespace tank::sys
