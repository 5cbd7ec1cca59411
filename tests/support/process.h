// Other programs, run by tests: started with pipes on their stdio, waited for by pidfd with a deadline, never left
// behind. A child dies with the test that started it (PR_SET_PDEATHSIG).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"

namespace tank::test {

struct Command {
  std::vector<std::string> argv;              ///< argv[0] is looked up in PATH
  std::vector<std::string> env;               ///< KEY=VALUE added to the test's own environment
  std::string in;                             ///< given as standard input, then end of file
  std::filesystem::path cwd;                  ///< empty: the test's own
  std::chrono::milliseconds patience{60000};  ///< run() kills it after this
};

struct Outcome {
  int code = -1;   ///< exit code, or −1
  int signum = 0;  ///< the signal that ended it, or 0
  bool timed_out = false;
  std::string out;
  std::string err;
};

/// "exit 3", "signal 9", "timed out", with both outputs: what a failed expectation should print.
std::string to_string(const Outcome& outcome);

/// A running program. Throws std::runtime_error when it cannot be started.
class Child {
 public:
  explicit Child(const Command& command);
  /// Kills it when it still runs, and reaps it.
  ~Child();
  Child(Child&&) = default;
  Child& operator=(Child&&) = delete;

  pid_t pid() const { return pid_; }
  /// Sends the signal by pidfd.
  void signal(int signum);
  /// Writes to its standard input; close_in() then gives it the end of file.
  void write(std::string_view text);
  void close_in() { in_.reset(); }

  enum class Stream : unsigned char { out, err };
  /// Reads until the stream has `text` in it and returns everything read from it so far; nothing when the deadline
  /// passed or the stream ended without it.
  std::optional<std::string> wait_for_output(Stream stream, std::string_view text, std::chrono::milliseconds patience);
  /// Gives a stream to the caller, who now must keep it from filling. Non-blocking.
  sys::Fd release(Stream stream) { return std::move(stream == Stream::out ? out_ : err_); }
  /// Reads both streams until the program ended; kills it when the patience is over.
  Outcome finish(std::chrono::milliseconds patience);

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  /// Waits for bytes or the end of the process and takes what is there. False when the deadline passed.
  bool pump(Deadline deadline);
  void drain(sys::Fd& from, std::string& into);
  void reap();

  pid_t pid_ = -1;
  sys::PidFd process_;
  sys::Fd in_;
  sys::Fd out_;
  sys::Fd err_;
  Outcome outcome_;
  bool ended_ = false;
};

/// Starts, feeds, waits.
Outcome run(const Command& command);
/// Short form: run({"ip", "link"}).
Outcome run(std::vector<std::string> argv);

/// Whether a program of this name stands in PATH.
bool has_program(std::string_view name);

}  // namespace tank::test
