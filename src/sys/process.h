// Processes: cloned with their namespaces, spawned from a descriptor, addressed and waited for by pidfd.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// CLONE_NEW* bits, or-ed.
namespace name_space {
inline constexpr std::uint64_t kMount = 0x00020000;
inline constexpr std::uint64_t kCgroup = 0x02000000;
inline constexpr std::uint64_t kUts = 0x04000000;
inline constexpr std::uint64_t kIpc = 0x08000000;
inline constexpr std::uint64_t kPid = 0x20000000;
inline constexpr std::uint64_t kNetwork = 0x40000000;
}  // namespace name_space

struct Cloned {
  pid_t pid = 0;  ///< 0 in the child
  PidFd process;
};

/// clone3(2) like fork(2), into new namespaces and, when `cgroup` is a directory descriptor of cgroup2, into that
/// cgroup. Only for programs with one thread: atfork handlers do not run.
Result<Cloned> clone_process(std::uint64_t namespaces, int cgroup);
Result<> unshare(std::uint64_t namespaces);
Result<> set_hostname(const char* name);

/// A program to start without copying this process: vfork-like, safe while other threads run.
struct Spawn {
  const Fd* executable = nullptr;  ///< run with execveat(2) AT_EMPTY_PATH
  const char* title = nullptr;     ///< argv[0], its only argument; the environment is empty
  std::vector<int> descriptors;    ///< become 0, 1, 2, …; all others are closed
};
Result<Cloned> spawn(const Spawn& what);

Result<PidFd> open_process(pid_t pid);
Result<> send_signal(const PidFd& process, int signum);

struct Ended {
  bool by_signal = false;
  int value = 0;  ///< exit code or signal number
};
/// Reaps the child. Nothing while it lives; waits for its end when asked to. Kind::not_found: not a child of ours.
enum class Wait : std::uint8_t { no, yes };
Result<std::optional<Ended>> reap(const PidFd& process, Wait wait);

/// PR_SET_PDEATHSIG with SIGKILL. Cleared by a change of credentials: set it again after one.
Result<> die_with_parent();
Result<> new_session();
/// A session keyring of its own (keyrings(7)): by default every descendant of a login shares one.
Result<> new_keyring();
void set_process_name(const char* name);
/// Closes every descriptor from `first` on.
Result<> close_descriptors_from(int first);
/// dup3(2) onto `number`, close-on-exec or for the program to keep.
enum class Inherit : std::uint8_t { no, yes };
Result<> place_descriptor(int from, int number, Inherit inherit);

/// Lends a descriptor number to a call that wants an Fd, and leaves it open.
class BorrowedFd {
 public:
  explicit BorrowedFd(int number) : fd_(number) {}
  ~BorrowedFd() { (void)fd_.release(); }
  BorrowedFd(const BorrowedFd&) = delete;
  BorrowedFd& operator=(const BorrowedFd&) = delete;
  const Fd& fd() const { return fd_; }

 private:
  Fd fd_;
};

/// fork(2) into the same namespaces: a process with our memory, and our end of everything open.
Result<pid_t> fork_process();
struct Reaped {
  pid_t pid = 0;
  Ended how;
};
/// waitpid(−1) without waiting: whoever ended, as an init has to.
std::optional<Reaped> reap_any();
/// kill(2), for an init whose children have no pidfd.
void signal_child(pid_t pid, int signum);
/// PR_SET_DUMPABLE 0: nobody without CAP_SYS_PTRACE looks into or takes over this process.
void forbid_tracing();
void set_file_mode_mask(unsigned mask);

/// Replaces this process. Only returns when it failed, with the errno.
int execute(const char* path, char* const* arguments, char* const* environment);
[[noreturn]] void end_process(int code);

}  // namespace tank::sys
