#include "cli/foreground.h"

#include <unistd.h>

#include <csignal>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/events.h"
#include "cli/globals.h"
#include "cli/progress.h"
#include "cli/relay.h"
#include "sys/pipe.h"
#include "sys/signal_fd.h"
#include "sys/tty.h"
#include "tank/runtime.h"

namespace tank::cli {

namespace {

/// The ends of a container's stdio that the container gets: ours to close once it has them.
struct Given {
  sys::Fd in;
  sys::Fd out;
  sys::Fd err;
};

/// Everything around the Runtimes of one `tank run`.
class Foreground {
 public:
  Foreground(const ForegroundOptions& options, std::unique_ptr<Relay> relay, sys::SignalFd signals, sys::EventFd wake)
      : options_(options), relay_(std::move(relay)), signals_(std::move(signals)), wake_(std::move(wake)) {}

  int run(std::vector<Pod> pods);

 private:
  RuntimeOptions options_for(const Pod& pod);
  Stdio give_stdio(const std::string& pod, const Container& container);
  Result<> give_pipes(const std::string& prefix, bool wants_input, Given& given);
  void hear(const Event& event);
  void wait_for_all();
  void pass_signals();
  void attach_terminal();
  void resize_terminal();
  std::string prefix_of(const std::string& pod, const std::string& container) const;

  const ForegroundOptions& options_;
  std::unique_ptr<Relay> relay_;
  sys::SignalFd signals_;
  sys::EventFd wake_;
  std::vector<std::unique_ptr<Runtime>> runtimes_;
  std::string first_;  ///< "pod/container": the one whose end is our exit code
  bool several_ = false;
  int stops_ = 0;
  std::optional<sys::RawMode> raw_;
  sys::Fd terminal_;
  std::string terminal_owner_;  ///< "pod/container" of the first one with tty: true

  std::mutex mutex_;  ///< guards the rest, which the Runtimes' threads touch
  std::map<std::string, Given> given_;
  bool input_taken_ = false;
  bool terminal_ready_ = false;
  bool ended_ = false;
  std::optional<int> exit_code_;
  std::optional<int> stopped_by_;  ///< the first signal that asked us to end
};

std::string key_of(const std::string& pod, const std::string& container) { return pod + "/" + container; }

std::string Foreground::prefix_of(const std::string& pod, const std::string& container) const {
  if (!several_) return {};
  return runtimes_.capacity() > 1 ? concat("[", pod, "/", container, "] ") : concat("[", container, "] ");
}

Result<> Foreground::give_pipes(const std::string& prefix, bool wants_input, Given& given) {
  sys::Pipe out = TRY(sys::make_pipe());
  sys::Pipe err = TRY(sys::make_pipe());
  relay_->add_output(std::move(out.read_end), STDOUT_FILENO, prefix);
  relay_->add_output(std::move(err.read_end), STDERR_FILENO, prefix);
  given.out = std::move(out.write_end);
  given.err = std::move(err.write_end);
  if (wants_input && !std::exchange(input_taken_, true)) {
    sys::Pipe in = TRY(sys::make_pipe());
    given.in = std::move(in.read_end);
    relay_->add_input(std::move(in.write_end));
  }
  return {};
}

Stdio Foreground::give_stdio(const std::string& pod, const Container& container) {
  if (container.tty) return {};
  const std::lock_guard lock(mutex_);
  Given& given = given_[key_of(pod, container.name)];
  if (Result<> gave = give_pipes(prefix_of(pod, container.name), container.stdin_open, given); !gave) {
    report(gave.error());
  }
  return {given.in.get(), given.out.get(), given.err.get()};
}

RuntimeOptions Foreground::options_for(const Pod& pod) {
  RuntimeOptions options;
  options.data_dir = options_.data_dir;
  options.run_dir = options_.run_dir;
  options.image = options_.image;
  options.image.progress = make_progress_printer();
  options.owner = [this](const Event& event) { hear(event); };
  options.stdio = [this, key = to_string_key(pod)](const Container& container) { return give_stdio(key, container); };
  if (options_.events == Events::yes) {
    options.on_step = [key = to_string_key(pod)](const StepTiming& step) { print_line(to_json_line(key, step)); };
  }
  return options;
}

void Foreground::hear(const Event& event) {
  if (options_.events == Events::yes) print_line(to_json_line(event));
  const std::string key = key_of(event.pod, event.container);
  const std::lock_guard lock(mutex_);
  given_.erase(key);
  std::optional<int> code;
  if (std::holds_alternative<Running>(event.what)) {
    terminal_ready_ = terminal_ready_ || key == terminal_owner_;
    wake_.raise();
  } else if (const auto* exited = std::get_if<Exited>(&event.what)) {
    code = exited->code;
  } else if (const auto* signaled = std::get_if<Signaled>(&event.what)) {
    code = 128 + signaled->signum;
    if (signaled->oom_killed && options_.events == Events::no) {
      std::cerr << "tank: container " << key << " ran out of its memory limit and was killed\n";
    }
  } else {
    const Error& error = std::get<Failed>(event.what).error;
    if (error.kind() != Kind::aborted || !stopped_by_) code = exit_code(error);
    // Somebody who pressed Ctrl-C knows why it did not come up.
    if (options_.events == Events::no && error.kind() != Kind::aborted) report(error);
  }
  const bool concerns_first = key == first_ || (event.container.empty() && first_.starts_with(event.pod + "/"));
  if (code && concerns_first && !exit_code_) exit_code_ = code;
}

void Foreground::attach_terminal() {
  for (const std::unique_ptr<Runtime>& runtime : runtimes_) {
    const std::string pod = to_string_key(runtime->pod());
    if (!terminal_owner_.starts_with(pod + "/")) continue;
    const std::string container = terminal_owner_.substr(pod.size() + 1);
    const Result<int> master = runtime->begin_attach(container);
    if (!master) return;  // it ended already; its last output is lost with its terminal
    terminal_ = sys::Fd(*master);
    resize_terminal();
    // Before anything is shown: whoever answers to what they see must reach the container, also with Ctrl-C.
    if (sys::is_tty(STDIN_FILENO)) {
      if (Result<sys::RawMode> raw = sys::RawMode::enter(STDIN_FILENO)) raw_.emplace(std::move(*raw));
    }
    if (Result<sys::Fd> out = sys::duplicate(terminal_)) relay_->add_output(std::move(*out), STDOUT_FILENO, "");
    if (Result<sys::Fd> in = sys::duplicate(terminal_)) relay_->add_input(std::move(*in));
    return;
  }
}

void Foreground::resize_terminal() {
  if (!terminal_.is_open()) return;
  // Without a terminal of our own, or with the container's just gone, the size stays what it is.
  if (const auto size = sys::window_size(STDOUT_FILENO)) {
    [[maybe_unused]] const Result<> resized = sys::set_window_size(terminal_, *size);
  }
}

void Foreground::pass_signals() {
  while (const std::optional<int> signum = signals_.next()) {
    if (*signum == SIGWINCH) {
      resize_terminal();
      continue;
    }
    ++stops_;
    {
      const std::lock_guard lock(mutex_);
      if (!stopped_by_) stopped_by_ = *signum;
    }
    for (const std::unique_ptr<Runtime>& runtime : runtimes_) {
      if (stops_ == 1) runtime->stop();
      if (stops_ > 1) runtime->stop(std::chrono::milliseconds(0));
    }
  }
}

void Foreground::wait_for_all() {
  std::thread waiter([this] {
    for (const std::unique_ptr<Runtime>& runtime : runtimes_) runtime->wait();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    wake_.raise();
  });
  for (;;) {
    const auto ready = sys::wait_readable({signals_.get(), wake_.get()}, std::nullopt);
    if (!ready) break;
    pass_signals();
    wake_.drain();
    bool attach = false;
    bool ended = false;
    {
      const std::lock_guard lock(mutex_);
      attach = terminal_ready_ && !terminal_.is_open();
      ended = ended_;
    }
    if (attach) attach_terminal();
    if (ended) break;
  }
  waiter.join();
}

int Foreground::run(std::vector<Pod> pods) {
  std::size_t containers = 0;
  for (const Pod& pod : pods) {
    containers += pod.containers.size();
    for (const Container& container : pod.containers) {
      const std::string key = key_of(to_string_key(pod), container.name);
      if (first_.empty()) first_ = key;
      if (container.tty && terminal_owner_.empty()) terminal_owner_ = key;
    }
  }
  several_ = containers > 1;
  runtimes_.reserve(pods.size());
  std::optional<Error> refused;
  for (Pod& pod : pods) {
    RuntimeOptions options = options_for(pod);
    Result<std::unique_ptr<Runtime>> runtime = Runtime::start(std::move(pod), std::move(options));
    if (runtime) {
      runtimes_.push_back(std::move(*runtime));
      continue;
    }
    refused = std::move(runtime.error());
    for (const std::unique_ptr<Runtime>& started : runtimes_) started->stop();
    break;
  }
  wait_for_all();
  {
    // A bring-up that failed as a whole told of no container: nobody else closes what these would have written to.
    const std::lock_guard lock(mutex_);
    given_.clear();
  }
  relay_->finish();
  raw_.reset();
  if (refused) return report(*refused);
  // Without an end of its own the container never ran.
  return exit_code_.value_or(stopped_by_ ? 128 + *stopped_by_ : kFailed);
}

}  // namespace

int run_in_foreground(std::vector<Pod> pods, const ForegroundOptions& options) {
  // Before any thread is made, so that all of them have these signals blocked.
  Result<sys::SignalFd> signals = sys::SignalFd::open({SIGINT, SIGTERM, SIGHUP, SIGWINCH});
  if (!signals) return report(signals.error());
  Result<sys::EventFd> wake = sys::EventFd::create();
  if (!wake) return report(wake.error());
  Result<std::unique_ptr<Relay>> relay = Relay::create();
  if (!relay) return report(relay.error());
  return Foreground(options, std::move(*relay), std::move(*signals), std::move(*wake)).run(std::move(pods));
}

}  // namespace tank::cli
