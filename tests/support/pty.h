// A program on a terminal of its own, as if somebody sat there: types into it and reads what the screen would show.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"

namespace tank::test {

/// Throws std::runtime_error when it cannot be started. Kills and reaps the program when it goes.
class PtyChild {
 public:
  PtyChild(const std::vector<std::string>& argv, unsigned short rows, unsigned short columns);
  ~PtyChild();
  PtyChild(const PtyChild&) = delete;
  PtyChild& operator=(const PtyChild&) = delete;

  void type(std::string_view text);
  /// Reads until `text` was shown; false when the deadline passed or the program ended without it.
  bool wait_for(std::string_view text, std::chrono::milliseconds patience);
  /// Reads to the end and gives the exit code, or −1 for a signal or a deadline that passed.
  int finish(std::chrono::milliseconds patience);
  const std::string& shown() const { return shown_; }

 private:
  bool pump(std::chrono::steady_clock::time_point deadline);

  pid_t pid_ = -1;
  sys::Fd master_;
  std::string shown_;
};

}  // namespace tank::test
