// The owner's side of a pod's shim: start one or find it again, hand it containers, hear what becomes of them.
//
// One SOCK_SEQPACKET connection, one message a packet. The first comes as the shim's descriptor 3; later owners connect
// to shim.sock in the pod's run directory. Large things (a container's plan) travel as sealed memfds.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "oci/config.h"
#include "sys/fd.h"
#include "tank/result.h"

namespace tank::shim {

enum class Share : std::uint8_t { host, fresh };
enum class OnOwnerLoss : std::uint8_t { end_pod, wait };

/// A detached mount that the shim is to attach at `path`, in a mount namespace of its own that the containers are
/// cloned from: the host's table never sees it, and it lives as long as the pod does.
struct HeldMount {
  std::string path;  ///< an existing directory
  int mount = -1;    ///< borrowed
};

/// What the containers of a pod have in common. The shim enters these namespaces itself and so keeps them alive for as
/// long as the pod lives; every container is cloned from within them.
struct PodPlan {
  std::string name;  ///< "namespace/name", for the process title
  Share network = Share::fresh;
  Share ipc = Share::fresh;
  Share uts = Share::fresh;
  std::string hostname;
  OnOwnerLoss on_owner_loss = OnOwnerLoss::end_pod;
  std::vector<HeldMount> held{};  ///< volumes in memory that the containers share; at most kMaxHeldMounts
};
inline constexpr std::size_t kMaxHeldMounts = 32;

/// An overlayfs(5) root: lowest layer first. Without an upper directory it is read-only.
struct Overlay {
  std::vector<std::filesystem::path> lower;
  std::filesystem::path upper;
  std::filesystem::path work;
};

/// One container, as data.
struct ContainerPlan {
  std::string name;
  oci::Config config;  ///< borrowed copies: process, root, mounts, devices, masked and read-only paths, sysctl
  Overlay overlay;
  std::vector<std::uint8_t> seccomp;  ///< struct sock_filter array from libseccomp, or empty
  bool init = false;                  ///< a tiny init as pid 1 that reaps and forwards signals
  int stop_signal = 15;
  std::chrono::milliseconds grace{30000};
  int cgroup = -1;                ///< borrowed directory descriptor of the unified leaf, or −1
  std::vector<int> cgroup_procs;  ///< borrowed: cgroup.procs of the v1 leaves
  int stdio[3] = {-1, -1, -1};    ///< borrowed; −1 is /dev/null; ignored with a terminal
};

/// What the shim says. Per container: ready or failed; then running or failed or aborted; then exactly one of exited,
/// signaled. A new owner hears the last word of every container again.
struct Notice {
  enum class Type : std::uint8_t { ready, running, exited, signaled, failed, aborted };
  Type type = Type::failed;
  std::string container;
  pid_t host_pid = 0;               ///< ready, running
  int value = 0;                    ///< exit code, signal number, or errno of a failure
  std::string step;                 ///< failed: what it was doing, as in "mount"
  std::string text;                 ///< failed: one sentence
  std::optional<sys::Fd> terminal;  ///< ready, or running heard again: a terminal's master side
};

class Client {
 public:
  /// Starts the shim program `binary` with its listening socket at `socket_path` (made here, mode 0600). The program
  /// runs from a detached read-only mount, so that no container can write to it through /proc (CVE-2019-5736).
  static Result<Client> spawn(const std::filesystem::path& binary, const std::filesystem::path& socket_path,
                              const PodPlan& plan);
  /// Connects to a living shim. Error kinds: not_found, denied, busy (it has an owner).
  static Result<Client> connect(const std::filesystem::path& socket_path);

  Client(Client&&) = default;
  Client& operator=(Client&&) = default;

  pid_t pid() const { return pid_; }
  /// Readable when the shim has ended.
  const sys::PidFd& process() const { return process_; }
  /// Readable when receive() has something to say.
  const sys::Fd& channel() const { return channel_; }

  /// Clones the container and parks it at the checkpoint; answered by ready or failed.
  Result<> create(const ContainerPlan& plan);
  Result<> proceed(const std::string& container);
  Result<> abort(const std::string& container);
  /// Stop signal now, SIGKILL after the grace. Again: the earlier deadline counts.
  Result<> stop(const std::string& container, std::chrono::milliseconds grace);
  Result<> signal(const std::string& container, int signum);
  /// Everything ended and was heard: the shim exits. Refused by the shim while a container lives.
  Result<> dismiss();

  /// The next notice, waiting up to `patience`; nothing when none came. Kind::unavailable when the shim is gone.
  Result<std::optional<Notice>> receive(std::chrono::milliseconds patience);

  /// Waits for the shim process and reaps it, when it is a child of ours.
  Result<> reap();

 private:
  Client(pid_t pid, sys::PidFd process, sys::Fd channel)
      : pid_(pid), process_(std::move(process)), channel_(std::move(channel)) {}
  pid_t pid_;
  sys::PidFd process_;
  sys::Fd channel_;
};

}  // namespace tank::shim
