#include "cli/relay.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <string_view>

#include "sys/file.h"
#include "sys/file_stream.h"

namespace tank::cli {

namespace {

constexpr std::size_t kLongestLine = 64 * 1024;

/// Our own stdout may be closed or full; what cannot be written is lost, the container is not stopped for it.
void write_out(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(to, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::create() {
  sys::EventFd wake = TRY(sys::EventFd::create());
  return std::unique_ptr<Relay>(new Relay(std::move(wake)));
}

Relay::Relay(sys::EventFd wake) : wake_(std::move(wake)) {
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() { finish(); }

void Relay::add_output(sys::Fd from, int to, std::string prefix) {
  {
    const std::lock_guard lock(mutex_);
    added_.push_back(Output{std::move(from), to, std::move(prefix), {}});
  }
  wake_.raise();
}

void Relay::add_input(sys::Fd to) {
  {
    const std::lock_guard lock(mutex_);
    added_input_ = std::move(to);
  }
  wake_.raise();
}

void Relay::finish() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  wake_.raise();
  if (thread_.joinable()) thread_.join();
}

/// Moves over what other threads added; false when everything is said and done.
bool Relay::take_news() {
  const std::lock_guard lock(mutex_);
  for (Output& output : added_) outputs_.push_back(std::move(output));
  added_.clear();
  if (added_input_.is_open() && !input_.is_open()) input_ = std::move(added_input_);
  return !(finishing_ && outputs_.empty());
}

void Relay::run() {
  while (take_news()) {
    const bool has_room = input_.is_open() && unwritten_.empty();
    std::vector<int> descriptors{wake_.get(), has_room ? STDIN_FILENO : -1};
    for (const Output& output : outputs_) descriptors.push_back(output.from.get());
    const int taker = unwritten_.empty() ? -1 : input_.get();
    const auto ready = sys::wait_readable_or_writable(descriptors, taker, std::nullopt);
    if (!ready) return;
    if ((*ready)[0]) wake_.drain();
    if ((*ready)[1]) read_input();
    if (ready->back()) write_input();
    std::vector<Output> open;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (!(*ready)[i + 2] || pump(outputs_[i])) open.push_back(std::move(outputs_[i]));
    }
    outputs_ = std::move(open);
  }
}

/// One read's worth; false at the end of the stream.
bool Relay::pump(Output& output) {
  std::array<char, 65536> buffer;
  const Result<std::size_t> got = sys::read_some(output.from, buffer.data(), buffer.size());
  const std::string_view bytes(buffer.data(), got ? *got : 0);
  if (output.prefix.empty()) {
    write_out(output.to, bytes);
    return !bytes.empty();
  }
  output.partial += bytes;
  std::string out;
  std::size_t end = 0;
  while ((end = output.partial.find('\n')) != std::string::npos) {
    out += output.prefix + output.partial.substr(0, end + 1);
    output.partial.erase(0, end + 1);
  }
  const bool flush = bytes.empty() || output.partial.size() > kLongestLine;
  if (flush && !output.partial.empty()) out += output.prefix + std::exchange(output.partial, {}) + "\n";
  write_out(output.to, out);
  return !bytes.empty();
}

void Relay::read_input() {
  std::array<char, 65536> buffer;
  const Result<std::size_t> got = sys::read_some(sys::Fd(::dup(STDIN_FILENO)), buffer.data(), buffer.size());
  if (got) unwritten_.assign(buffer.data(), *got);
  if (unwritten_.empty()) input_.reset();
}

/// A container that does not read must not keep us from reading what it writes: so only when there is room, and no more
/// than a pipe with any room takes without waiting (pipe(7)).
void Relay::write_input() {
  const std::size_t size = std::min<std::size_t>(unwritten_.size(), PIPE_BUF);
  if (!sys::write_all(input_, std::string_view(unwritten_).substr(0, size))) {
    input_.reset();
    unwritten_.clear();
    return;
  }
  unwritten_.erase(0, size);
}

}  // namespace tank::cli
