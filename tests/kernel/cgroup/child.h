// A process in a container's cgroups, cloned and joined as the shim does it, parked until told to go.
#pragma once

#include <sys/types.h>

#include <functional>

#include "cgroup/apply.h"
#include "sys/fd.h"
#include "tank/result.h"

namespace tank::test {

/// How a child ended.
struct End {
  int code = -1;   ///< exit code, or −1
  int signum = 0;  ///< signal, or 0
};

class Child {
 public:
  /// Clones into the unified leaf, has the child join the v1 leaves, and parks it. `work` gives the exit code; it runs
  /// in a copy of this process and must not return anything through memory.
  static Result<Child> park(const cgroup::Leaf& leaf, const std::function<int()>& work);

  Child(Child&&) = default;
  Child& operator=(Child&&) = delete;
  /// Kills and reaps what still lives.
  ~Child();

  pid_t pid() const { return pid_; }
  /// Lets it run.
  void go();
  void kill();
  /// Waits for its end and reaps it.
  End wait();
  /// Lets it run and waits.
  End finish();

 private:
  Child(pid_t pid, sys::Fd process, sys::Fd gate) : pid_(pid), process_(std::move(process)), gate_(std::move(gate)) {}
  pid_t pid_;
  sys::Fd process_;
  sys::Fd gate_;
  bool reaped_ = false;
};

}  // namespace tank::test
