// The life of one pod on one thread: bring up, wait for whatever comes next, take down. What other threads ask for is
// kept in a small table under a lock.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "cgroup/plan.h"
#include "runtime/bring_up.h"
#include "runtime/record.h"
#include "shim/client.h"
#include "sys/event.h"
#include "tank/runtime.h"

namespace tank::runtime {

class Supervision {
 public:
  /// Borrows everything for its whole life.
  Supervision(const Pod& pod, const RuntimeOptions& options, Record& record, const sys::EventFd& wake);

  /// Brings the pod up, watches it until its last container ended, takes it down. Blocks; run it on its own thread.
  StopReason run_new();
  /// Likewise for a pod that runs already under this shim.
  StopReason run_adopted(shim::Client shim);

  /// From any thread.
  void stop(std::chrono::milliseconds grace);
  void detach();
  Result<pid_t> host_pid(const std::string& container) const;
  Result<ExecContext> exec_context(const std::string& container) const;
  Result<int> begin_attach(const std::string& container);
  void end_attach(const std::string& container);

 private:
  enum class State : std::uint8_t { starting, running, ended };
  /// What is known of one container.
  struct Entry {
    std::string name;
    State state = State::starting;
    bool tty = false;
    bool attached = false;
    pid_t host_pid = 0;
    std::vector<std::string> env;
    std::string working_dir;
    sys::Fd terminal;
    StopReason ending = Normal{};
  };

  void learn(BringUp& work);
  StopReason supervise(shim::Client& shim);
  void watch(shim::Client& shim);
  void hear(shim::Client& shim);
  void fold(shim::Notice notice);
  void run_entry(Entry& entry, pid_t host_pid);
  void end_entry(Entry& entry, StopReason ending);
  void end_living(const Error& why);
  void pass_on_stop(shim::Client& shim);
  bool all_ended() const;
  bool is_detached() const;
  StopReason ending_of_pod() const;
  StopReason give_up(BringUp& work, Error why);

  Result<const Entry*> find(const std::string& container) const;
  Result<const Entry*> running(const std::string& container) const;
  void emit(const std::string& container, std::variant<Running, Exited, Signaled, Failed> what) const;
  bool was_oom_killed(const std::string& container) const;

  const Pod& pod_;
  const RuntimeOptions& options_;
  Record& record_;
  const sys::EventFd& wake_;
  std::stop_source cancel_;
  cgroup::Layout layout_;

  mutable std::mutex mutex_;  ///< guards entries_, grace_ and detached_; written by the own thread but for attached
  std::vector<Entry> entries_;
  std::optional<std::chrono::milliseconds> grace_;  ///< somebody asked to stop
  bool detached_ = false;
  std::optional<std::chrono::milliseconds> passed_on_;  ///< the grace the shim was told last; own thread only
};

}  // namespace tank::runtime
