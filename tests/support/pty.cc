#include "support/pty.h"

#include <poll.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace tank::test {

using Clock = std::chrono::steady_clock;

PtyChild::PtyChild(const std::vector<std::string>& argv, unsigned short rows, unsigned short columns) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  winsize size{};
  size.ws_row = rows;
  size.ws_col = columns;
  int master = -1;
  pid_ = ::forkpty(&master, nullptr, nullptr, &size);
  if (pid_ < 0) throw std::runtime_error("no pseudo-terminal");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  master_ = sys::Fd(master);
}

PtyChild::~PtyChild() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void PtyChild::type(std::string_view text) {
  [[maybe_unused]] const ssize_t done = ::write(master_.get(), text.data(), text.size());
}

/// False at the end: the kernel answers EIO when nobody holds the other side any more.
bool PtyChild::pump(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd waiting{master_.get(), POLLIN, 0};
  const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<long long>(left, 0)));
  if (ready < 0 && errno == EINTR) return true;
  if (ready <= 0) return false;
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(master_.get(), buffer.data(), buffer.size());
  if (got <= 0) return false;
  shown_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

bool PtyChild::wait_for(std::string_view text, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (shown_.find(text) == std::string::npos) {
    if (!pump(deadline)) return false;
  }
  return true;
}

int PtyChild::finish(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (pump(deadline)) {
  }
  if (Clock::now() >= deadline) ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace tank::test
