// Runtime: brings one pod to running reality and supervises it. The heart of Tank.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tank/image.h"
#include "tank/pod.h"
#include "tank/result.h"

namespace tank {

/// The container was configured and its command is executing.
struct Running {
  pid_t host_pid = 0;  ///< of the container's pid 1, as the host numbers it
};
/// The container's main process ended by itself.
struct Exited {
  int code = 0;
};
/// The container's main process was ended by a signal.
struct Signaled {
  int signum = 0;
  bool oom_killed = false;  ///< the kernel's out-of-memory killer did it, within the container's own limit
};
/// The container, or the pod's bring-up as a whole (`container` empty), failed before or instead of running.
struct Failed {
  Error error;
};

/// What an owner is told. Per container: at most one Running, then exactly one of Exited, Signaled, Failed.
struct Event {
  std::string pod;        ///< "namespace/name"
  std::string container;  ///< empty when it concerns the whole pod
  std::variant<Running, Exited, Signaled, Failed> what;
};

/// Why a Runtime stopped: what a reconciler reads to apply the restart policy. With several containers the first one in
/// the manifest that did not end with exit code 0 decides.
struct Normal {};
struct WorkloadExited {
  int code = 0;
};
struct WorkloadSignaled {
  int signum = 0;
  bool oom_killed = false;
};
struct Abnormal {
  Error error;
};
using StopReason = std::variant<Normal, WorkloadExited, WorkloadSignaled, Abnormal>;

/// "normal", "exited 3", "killed by signal 9 (out of memory)", "failed: …".
std::string to_string(const StopReason& reason);

/// What entering a running container needs.
struct ExecContext {
  pid_t host_pid = 0;
  std::vector<std::string> env;  ///< KEY=VALUE, image and manifest merged
  std::string working_dir;
};

/// One step of the bring-up or the take-down, for timings and for `tank run --events`.
struct StepTiming {
  enum class Phase : std::uint8_t { begin, up, down };
  std::string step;  ///< image, rootfs, cgroup, sandbox, network, limits, proceed
  Phase phase = Phase::begin;
  std::chrono::microseconds took{0};
};

/// File descriptors a container without a terminal gets as 0, 1 and 2. Borrowed until the container runs; −1:
/// /dev/null.
struct Stdio {
  int in = -1;
  int out = -1;
  int err = -1;
};

/// What becomes of the pod when the process that holds its Runtime is gone.
enum class OwnerLoss : std::uint8_t {
  end_pod,       ///< the shim stops the containers within their grace period and goes
  keep_running,  ///< the shim waits for the next owner (Runtime::reconnect)
};

struct RuntimeOptions {
  /// Receives every event, in order, on the Runtime's own thread. It must not destroy the Runtime.
  std::function<void(const Event&)> owner;
  /// Receives every step, on the same thread.
  std::function<void(const StepTiming&)> on_step;
  /// Asked after each step of the bring-up is done; an error makes the bring-up fail there and undo. May be empty.
  std::function<Result<>(std::string_view step)> veto;
  std::filesystem::path data_dir = "/var/lib/tank";  ///< images, layers, volumes, writable layers
  std::filesystem::path run_dir = "/run/tank";       ///< records and sockets of living pods; a tmpfs
  PullOptions image;
  /// Names the pod's run directory and cgroup; [a-z0-9-], at most 63 bytes, a letter or digit at both ends. Empty:
  /// derived from run_dir, namespace and name, so that the same pod cannot run twice there.
  std::string uid;
  /// Gives a container its stdio. Empty: /dev/null.
  std::function<Stdio(const Container&)> stdio;
  OwnerLoss owner_loss = OwnerLoss::end_pod;
  /// The per-pod program. Empty: tank-shim beside the running program, else in ../libexec/tank.
  std::filesystem::path shim;
};

/// One pod, from image to running, watched until its last container ended. Lives on one thread of its own; every method
/// may be called from any thread. Never restarts anything: the stop reason is for whoever decides that.
class Runtime {
 public:
  /// Starts the bring-up and returns at once. What a dead owner of the same uid left is taken down first. Error kinds:
  /// invalid (no containers, a bad uid), busy (the same uid runs already), kernel and denied (not even a record could
  /// be made), and whatever taking down the last run met. Everything later is told by events and by the stop reason.
  static Result<std::unique_ptr<Runtime>> start(Pod pod, RuntimeOptions options);

  /// Takes up a pod whose owner died, from its record; `pod` is what it was started from. Containers that ended
  /// meanwhile are told as events. Error kinds: not_found (no record, or the shim is gone), busy (its owner lives),
  /// denied (another user's), timeout, corrupt.
  static Result<std::unique_ptr<Runtime>> reconnect(Pod pod, RuntimeOptions options);

  /// Ends the pod at once when it still runs (SIGKILL) and takes everything down.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Asks every container to stop: its stop signal, then SIGKILL after `grace` (unset: the pod's own). Returns at once;
  /// a second call can only shorten the grace. During the bring-up it aborts and undoes.
  void stop(std::optional<std::chrono::milliseconds> grace = std::nullopt);

  /// Leaves the pod to its shim and to a later reconnect(): this Runtime stops with Abnormal (Kind::aborted), nothing
  /// is taken down. Only for OwnerLoss::keep_running; otherwise, and during the bring-up, it is the same as stop().
  void detach();

  /// Waits for the end and returns why. May be called again.
  StopReason wait();

  const Pod& pod() const;
  const std::string& uid() const;

  /// Of the named container; empty names the first. Error kinds: not_running, not_found.
  Result<pid_t> host_pid(const std::string& container = "") const;
  /// Likewise.
  Result<ExecContext> exec_context(const std::string& container = "") const;

  /// Takes the terminal of a container with tty: true, also of one that has just ended: its last output is still there.
  /// Returns the descriptor of its master side, owned by the caller, who closes it and then calls end_attach. Error
  /// kinds: not_running, not_a_tty, attached, not_found.
  Result<int> begin_attach(const std::string& container = "");
  /// Gives it back. Harmless when nobody is attached or the container is gone.
  void end_attach(const std::string& container = "");

 private:
  class Impl;
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// What clean_up() removed, one line each, with the steps undone: "pod default/web: sandbox cgroup rootfs image".
struct CleanUpReport {
  std::vector<std::string> removed;
  std::vector<Error> errors;
};

/// Takes down every pod of this run directory whose owner is gone and whose shim is not told to wait for another one,
/// from their records alone. Idempotent; leaves living pods alone.
CleanUpReport clean_up(const std::filesystem::path& data_dir, const std::filesystem::path& run_dir);

/// The layer directories that pods of this run directory have mounted, from their records.
std::vector<std::filesystem::path> layers_in_use(const std::filesystem::path& run_dir);

}  // namespace tank
