// One container as its shim knows it: the process, how far it is, and what of that the owner still has to hear.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shim/message.h"
#include "shim/report.h"
#include "sys/fd.h"
#include "tank/result.h"

namespace tank::shim {

using Clock = std::chrono::steady_clock;

class Container {
 public:
  /// Clones it and lets it build its file system; a failure is in its last word.
  static Container create(const Request& request, std::vector<sys::Fd> descriptors);
  /// One that never was: only its last word.
  static Container failed(std::string name, const char* step, const Error& failure);

  const std::string& name() const { return name_; }
  bool has_ended() const { return stage_ == Stage::ended; }
  /// It runs or has ended: there is nothing to launch any more.
  bool is_settled() const { return stage_ == Stage::running || stage_ == Stage::ended; }
  bool has_unheard() const { return (happened_ >> told_) != 0; }
  const sys::Fd& report() const { return report_; }
  const sys::PidFd& process() const { return process_; }

  void proceed();
  /// Ends it before it ran: its last word is aborted.
  void abort();
  /// The stop signal now and SIGKILL at the end of the grace; what is parked is aborted. The earlier deadline counts.
  void stop(std::chrono::milliseconds grace, Clock::time_point now);
  void stop(Clock::time_point now) { stop(grace_, now); }
  void signal(int signum);
  void owner_lost(bool ends_pod, Clock::time_point now);

  /// Reads what the child reported. False when it has no more to say: the socket is to be watched no longer.
  bool hear_report();
  /// After process() became readable: reaps it and settles its last word.
  void settle_end();

  std::optional<Clock::time_point> deadline() const { return deadline_; }
  /// SIGKILL when the deadline has passed.
  void enforce(Clock::time_point now);

  /// The oldest thing the owner has not heard; valid only when has_unheard().
  Notice next_notice() const;
  /// Its descriptor that goes along with it, or −1.
  int notice_descriptor() const;
  void was_told() { told_ = next_level() + 1; }
  /// A new owner hears the last word again.
  void tell_again();

 private:
  enum class Stage : std::uint8_t { building, parked, starting, running, ended };
  /// Bits of happened_, in the order they are told.
  enum Level : unsigned { kReady = 0, kRunning = 1, kEnded = 2 };

  Result<> clone(const Request& request, std::vector<sys::Fd>& descriptors);
  void take_report(const Report& report, std::vector<sys::Fd>& descriptors);
  void started();
  void end_with(Notice::Type type, int value);
  void kill();
  unsigned next_level() const;
  void happen(Level level) { happened_ |= 1U << level; }

  std::string name_;
  Stage stage_ = Stage::building;
  pid_t pid_ = 0;
  sys::PidFd process_;
  sys::Fd report_;
  sys::Fd terminal_;
  int stop_signal_ = 0;
  std::chrono::milliseconds grace_{0};
  bool has_init_ = false;
  bool aborting_ = false;
  bool stop_waits_ = false;  ///< asked to stop between proceed and execve: the signal would be lost
  int init_signal_ = 0;      ///< the signal that ended the workload, as its init told
  std::optional<Clock::time_point> deadline_;

  Notice::Type last_type_ = Notice::Type::failed;
  int value_ = 0;
  std::string step_;
  std::string text_;
  unsigned happened_ = 0;
  unsigned told_ = 0;  ///< levels below this one were told
};

}  // namespace tank::shim
