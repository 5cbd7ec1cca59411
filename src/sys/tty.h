// The terminal a person sits at: is there one, how large, and raw for a while.
#pragma once

#include <memory>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

bool is_tty(int descriptor);

struct WindowSize {
  unsigned short rows = 0;
  unsigned short columns = 0;
};
/// TIOCGWINSZ. Kind::kernel when it is no terminal.
Result<WindowSize> window_size(int descriptor);
Result<> set_window_size(const Fd& terminal, WindowSize size);

/// Puts a terminal into raw mode and back when it goes (termios(3), cfmakeraw).
class RawMode {
 public:
  static Result<RawMode> enter(int descriptor);
  RawMode(RawMode&&) noexcept;
  RawMode& operator=(RawMode&&) = delete;
  ~RawMode();

 private:
  struct Saved;
  explicit RawMode(std::unique_ptr<Saved> saved);
  std::unique_ptr<Saved> saved_;
};

}  // namespace tank::sys
