#include "sys/tty.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace tank::sys {

bool is_tty(int descriptor) { return ::isatty(descriptor) == 1; }

Result<WindowSize> window_size(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) < 0) return errno_error("asking for the size of a terminal");
  return WindowSize{size.ws_row, size.ws_col};
}

Result<> set_window_size(const Fd& terminal, WindowSize size) {
  winsize wanted{};
  wanted.ws_row = size.rows;
  wanted.ws_col = size.columns;
  if (::ioctl(terminal.get(), TIOCSWINSZ, &wanted) < 0) return errno_error("setting the size of a terminal");
  return {};
}

struct RawMode::Saved {
  int descriptor = -1;
  termios attributes{};
};

RawMode::RawMode(std::unique_ptr<Saved> saved) : saved_(std::move(saved)) {}
RawMode::RawMode(RawMode&&) noexcept = default;

RawMode::~RawMode() {
  if (saved_) ::tcsetattr(saved_->descriptor, TCSADRAIN, &saved_->attributes);
}

Result<RawMode> RawMode::enter(int descriptor) {
  auto saved = std::make_unique<Saved>();
  saved->descriptor = descriptor;
  if (::tcgetattr(descriptor, &saved->attributes) < 0) return errno_error("reading the mode of a terminal");
  termios raw = saved->attributes;
  ::cfmakeraw(&raw);
  if (::tcsetattr(descriptor, TCSADRAIN, &raw) < 0) return errno_error("setting a terminal to raw mode");
  return RawMode(std::move(saved));
}

}  // namespace tank::sys
