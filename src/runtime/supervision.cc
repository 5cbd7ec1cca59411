#include "runtime/supervision.h"

#include <algorithm>
#include <csignal>

#include "cgroup/observe.h"
#include "runtime/exec_context.h"
#include "runtime/notice.h"
#include "sys/pipe.h"

namespace tank::runtime {

Supervision::Supervision(const Pod& pod, const RuntimeOptions& options, Record& record, const sys::EventFd& wake)
    : pod_(pod), options_(options), record_(record), wake_(wake) {
  entries_.reserve(pod.containers.size());
  for (const Container& container : pod.containers) {
    Entry entry;
    entry.name = container.name;
    entry.tty = container.tty;
    entries_.push_back(std::move(entry));
  }
}

StopReason Supervision::run_new() {
  BringUp work{pod_, options_, record_, wake_, cancel_.get_token()};
  Result<> up = bring_up(work);
  layout_ = work.layout;
  if (!up) return give_up(work, std::move(up.error()));
  learn(work);
  return supervise(*work.shim);
}

StopReason Supervision::run_adopted(shim::Client shim) {
  if (Result<cgroup::Layout> layout = cgroup::observe_layout()) layout_ = std::move(*layout);
  for (Entry& entry : entries_) {
    // Without its config.json a container can still be watched, only not entered.
    if (Result<ExecContext> context = read_exec_context(record_.directory(), entry.name)) {
      entry.env = std::move(context->env);
      entry.working_dir = std::move(context->working_dir);
    }
  }
  return supervise(shim);
}

/// The bring-up failed: undo it, then say so once, with what the undoing met.
StopReason Supervision::give_up(BringUp& work, Error why) {
  for (Error& undo : take_down(record_, options_.on_step)) why.add_undo_error(std::move(undo));
  // The shim was our child and take_down ended it; only its exit status is left to collect.
  if (work.shim) [[maybe_unused]]
    const Result<> reaped = work.shim->reap();
  {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_) entry.state = State::ended;
  }
  emit("", Failed{why});
  return Abnormal{std::move(why)};
}

StopReason Supervision::supervise(shim::Client& shim) {
  watch(shim);
  if (is_detached()) return Abnormal{error(Kind::aborted, "detached from pod ", to_string_key(pod_))};
  // A shim that is gone already cannot be dismissed; take_down sees to what it left.
  [[maybe_unused]] const Result<> dismissed = shim.dismiss();
  const std::vector<Error> undo = take_down(record_, options_.on_step);
  [[maybe_unused]] const Result<> reaped = shim.reap();
  if (!undo.empty()) {
    Error left = error(Kind::kernel, "taking down pod ", to_string_key(pod_), ": something is left behind");
    for (const Error& one : undo) left.add_undo_error(one);
    emit("", Failed{std::move(left)});
  }
  return ending_of_pod();
}

/// Takes over what the bring-up found out, and tells it.
void Supervision::learn(BringUp& work) {
  for (std::size_t i = 0; i < work.containers.size(); ++i) {
    ContainerWork& up = work.containers[i];
    Entry& entry = entries_[i];
    {
      const std::lock_guard lock(mutex_);
      entry.env = std::move(up.config.process.env);
      entry.working_dir = std::move(up.config.process.cwd);
      entry.terminal = std::move(up.terminal);
    }
    if (up.failure) {
      end_entry(entry, Abnormal{std::move(*up.failure)});
    } else {
      run_entry(entry, up.host_pid);
    }
  }
  for (shim::Notice& notice : work.early_ends) fold(std::move(notice));
}

void Supervision::watch(shim::Client& shim) {
  while (!all_ended() && !is_detached()) {
    pass_on_stop(shim);
    const auto ready = sys::wait_readable({shim.channel().get(), wake_.get(), shim.process().get()}, std::nullopt);
    if (!ready) return end_living(ready.error());
    if ((*ready)[1]) wake_.drain();
    if ((*ready)[0]) hear(shim);
    // Its last words may still be in the channel: only when that is silent is the shim's death news.
    if ((*ready)[2] && !(*ready)[0]) {
      return end_living(error(Kind::unavailable, "the shim of pod ", to_string_key(pod_), " is gone"));
    }
  }
}

void Supervision::hear(shim::Client& shim) {
  for (;;) {
    Result<std::optional<shim::Notice>> notice = shim.receive(std::chrono::milliseconds(0));
    if (!notice)
      return end_living(std::move(notice.error()).while_doing("the shim of pod " + to_string_key(pod_) + " is gone"));
    if (!*notice) return;
    fold(std::move(**notice));
  }
}

void Supervision::fold(shim::Notice notice) {
  using Type = shim::Notice::Type;
  const auto entry =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& one) { return one.name == notice.container; });
  if (entry == entries_.end() || entry->state == State::ended) return;
  switch (notice.type) {
    case Type::ready:
      if (notice.terminal) {
        const std::lock_guard lock(mutex_);
        entry->terminal = std::move(*notice.terminal);
      }
      return;
    case Type::running: return run_entry(*entry, notice.host_pid);
    case Type::exited:
      return end_entry(*entry, notice.value == 0 ? StopReason{Normal{}} : StopReason{WorkloadExited{notice.value}});
    case Type::signaled: {
      // The kernel's count only grows: a SIGKILL that we asked for is not the out-of-memory killer's.
      const bool oom = notice.value == SIGKILL && !passed_on_ && was_oom_killed(entry->name);
      return end_entry(*entry, WorkloadSignaled{notice.value, oom});
    }
    case Type::failed: return end_entry(*entry, Abnormal{to_error(notice)});
    case Type::aborted:
      return end_entry(*entry, Abnormal{error(Kind::aborted, "container ", entry->name, " was aborted")});
  }
}

void Supervision::run_entry(Entry& entry, pid_t host_pid) {
  {
    const std::lock_guard lock(mutex_);
    if (entry.state != State::starting) return;
    entry.state = State::running;
    entry.host_pid = host_pid;
  }
  emit(entry.name, Running{host_pid});
}

void Supervision::end_entry(Entry& entry, StopReason ending) {
  {
    const std::lock_guard lock(mutex_);
    if (entry.state == State::ended) return;
    entry.state = State::ended;
    entry.ending = ending;
  }
  struct ToEvent {
    std::variant<Running, Exited, Signaled, Failed> operator()(const Normal&) const { return Exited{0}; }
    std::variant<Running, Exited, Signaled, Failed> operator()(const WorkloadExited& one) const {
      return Exited{one.code};
    }
    std::variant<Running, Exited, Signaled, Failed> operator()(const WorkloadSignaled& one) const {
      return Signaled{one.signum, one.oom_killed};
    }
    std::variant<Running, Exited, Signaled, Failed> operator()(const Abnormal& one) const { return Failed{one.error}; }
  };
  emit(entry.name, std::visit(ToEvent{}, ending));
}

void Supervision::end_living(const Error& why) {
  for (Entry& entry : entries_) end_entry(entry, Abnormal{why});
}

void Supervision::pass_on_stop(shim::Client& shim) {
  std::optional<std::chrono::milliseconds> grace;
  {
    const std::lock_guard lock(mutex_);
    grace = grace_;
  }
  if (!grace || (passed_on_ && *passed_on_ <= *grace)) return;
  passed_on_ = grace;
  for (const Entry& entry : entries_) {
    // One that ended this very moment, or a shim that did, will be told through the channel.
    if (entry.state != State::ended) [[maybe_unused]]
      const Result<> told = shim.stop(entry.name, *grace);
  }
}

void Supervision::stop(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    grace_ = grace_ ? std::min(*grace_, grace) : grace;
  }
  cancel_.request_stop();
  wake_.raise();
}

void Supervision::detach() {
  if (options_.owner_loss != OwnerLoss::keep_running) return stop(pod_.termination_grace);
  {
    const std::lock_guard lock(mutex_);
    detached_ = true;
  }
  cancel_.request_stop();
  wake_.raise();
}

bool Supervision::all_ended() const {
  return std::all_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.state == State::ended; });
}

bool Supervision::is_detached() const {
  const std::lock_guard lock(mutex_);
  return detached_;
}

StopReason Supervision::ending_of_pod() const {
  for (const Entry& entry : entries_) {
    if (!std::holds_alternative<Normal>(entry.ending)) return entry.ending;
  }
  return Normal{};
}

Result<const Supervision::Entry*> Supervision::find(const std::string& container) const {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& one) { return container.empty() || one.name == container; });
  if (entry == entries_.end()) {
    return error(Kind::not_found, "pod ", to_string_key(pod_), " has no container '", container, "'");
  }
  return &*entry;
}

Result<const Supervision::Entry*> Supervision::running(const std::string& container) const {
  const Entry* entry = TRY(find(container));
  if (entry->state != State::running) return error(Kind::not_running, "container ", entry->name, " is not running");
  return entry;
}

Result<pid_t> Supervision::host_pid(const std::string& container) const {
  const std::lock_guard lock(mutex_);
  const Entry* entry = TRY(running(container));
  return entry->host_pid;
}

Result<ExecContext> Supervision::exec_context(const std::string& container) const {
  const std::lock_guard lock(mutex_);
  const Entry* entry = TRY(running(container));
  return ExecContext{entry->host_pid, entry->env, entry->working_dir};
}

Result<int> Supervision::begin_attach(const std::string& container) {
  const std::lock_guard lock(mutex_);
  const Entry* found = TRY(find(container));
  // What a short-lived container wrote still waits in its terminal.
  const bool has_ended = found->state == State::ended && found->terminal.is_open();
  if (!has_ended) TRY(running(container));
  auto* entry = const_cast<Entry*>(found);
  if (!entry->tty || !entry->terminal.is_open()) {
    return error(Kind::not_a_tty, "container ", entry->name, " has no terminal");
  }
  if (entry->attached) return error(Kind::attached, "somebody is attached to container ", entry->name);
  sys::Fd copy = TRY(sys::duplicate(entry->terminal));
  entry->attached = true;
  return copy.release();
}

void Supervision::end_attach(const std::string& container) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) {
    if (container.empty() || entry.name == container) {
      entry.attached = false;
      return;
    }
  }
}

void Supervision::emit(const std::string& container, std::variant<Running, Exited, Signaled, Failed> what) const {
  if (options_.owner) options_.owner(Event{to_string_key(pod_), container, std::move(what)});
}

bool Supervision::was_oom_killed(const std::string& container) const {
  const Result<bool> killed = cgroup::was_oom_killed(layout_, record_.content().header.uid, container);
  return killed && *killed;
}

}  // namespace tank::runtime
