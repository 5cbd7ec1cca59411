// A pod with a real shim for tests: a root of one static program, a scratch directory that goes away, and words to wait
// for. Every wait has a deadline.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shim/client.h"

namespace tank::shim::test {

inline constexpr std::chrono::milliseconds kPatience{20000};

/// A directory that is removed, with all in it, at the end.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Where the build put the shim.
std::filesystem::path shim_program();
/// Makes `root` with /bin/payload in it.
void make_root(const std::filesystem::path& root);
/// The mounts, masks and read-only paths a container gets by default.
oci::Config standard_config(std::vector<std::string> args);

/// Reads all of a descriptor until its end.
std::string read_to_end(int fd);
/// Reads until the line has come.
void read_until(int fd, const std::string& line);
std::string host_mounts();
bool process_exists(pid_t pid);
/// Waits until the process is gone.
bool wait_until_gone(pid_t pid);
/// The value after "key" in lines of "key value" or "key:\tvalue".
std::string value_of(const std::string& text, const std::string& key);

class Rig {
 public:
  explicit Rig(OnOwnerLoss loss = OnOwnerLoss::end_pod);
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  Client& client() { return *client_; }
  /// Lets go of the channel without a word, as a dying owner does.
  void drop_client() { client_.reset(); }
  void adopt(Client client) { client_.emplace(std::move(client)); }
  std::filesystem::path socket() const { return scratch_.path() / "shim.sock"; }
  std::filesystem::path path(const std::string& name) const { return scratch_.path() / name; }
  std::filesystem::path root() const { return path("root"); }
  pid_t shim() const { return shim_; }

  /// Waits until the shim listens: it does before it answers anything.
  void settle();
  /// A plan whose stdout and stderr come out of output().
  ContainerPlan plan(std::vector<std::string> args, const std::string& name = "main");
  /// The read end of the pipe that `plan` made.
  int output(const std::string& name = "main") { return outputs_.at(name).get(); }
  /// Closes our copy of the write end, so that output() ends with the container.
  void hand_over(const std::string& name = "main") { inputs_.erase(name); }

  /// create, wait for ready, proceed, wait for running. Gives the host's pid.
  pid_t start(const ContainerPlan& plan);
  /// start, wait for its end; what it printed.
  std::string run(const ContainerPlan& plan);
  Notice next();
  Notice expect(Notice::Type type, const std::string& name = "main");
  /// create, and expect it to fail before it is ready.
  Notice create_failing(const ContainerPlan& plan);
  void dismiss();

 private:
  Scratch scratch_;
  std::optional<Client> client_;
  pid_t shim_ = 0;
  std::map<std::string, sys::Fd> outputs_;
  std::map<std::string, sys::Fd> inputs_;
};

const char* to_string(Notice::Type type);

}  // namespace tank::shim::test
