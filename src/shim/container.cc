#include "shim/container.h"

#include <cstring>

#include "shim/child.h"
#include "shim/plan.h"
#include "sys/memory.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace tank::shim {

namespace {

constexpr int kKill = 9;

/// The descriptors of a create request, in the order message.h gives them.
struct Given {
  sys::Fd plan;
  sys::Fd cgroup;
  sys::Fd stdio[3];
  std::vector<sys::Fd> cgroup_procs;
};

Result<Given> sort_descriptors(const Request& request, std::vector<sys::Fd>& descriptors) {
  std::size_t expected = 1 + std::size_t{request.has_cgroup} + request.cgroup_procs;
  for (const bool given : request.has_stdio) expected += std::size_t{given};
  if (descriptors.size() != expected) {
    return Error(Kind::invalid, EINVAL, concat("expected ", expected, " descriptors and got ", descriptors.size()));
  }
  auto next = descriptors.begin();
  Given given;
  given.plan = std::move(*next++);
  if (request.has_cgroup) given.cgroup = std::move(*next++);
  for (int number = 0; number < 3; ++number) {
    if (request.has_stdio[number]) given.stdio[number] = std::move(*next++);
  }
  while (next != descriptors.end()) given.cgroup_procs.push_back(std::move(*next++));
  return given;
}

ChildDescriptors numbers_of(const Given& given, const sys::Fd& report) {
  ChildDescriptors numbers;
  numbers.report = report.get();
  for (int number = 0; number < 3; ++number) numbers.stdio[number] = given.stdio[number].get();
  for (const sys::Fd& procs : given.cgroup_procs) numbers.cgroup_procs.push_back(procs.get());
  return numbers;
}

}  // namespace

Container Container::create(const Request& request, std::vector<sys::Fd> descriptors) {
  Container container;
  container.name_ = request.container;
  if (const Result<> cloned = container.clone(request, descriptors); !cloned) {
    return failed(request.container, "create", cloned.error());
  }
  return container;
}

Container Container::failed(std::string name, const char* step, const Error& failure) {
  Container container;
  container.name_ = std::move(name);
  container.step_ = step;
  container.text_ = failure.sentence();
  container.end_with(Notice::Type::failed, failure.number() != 0 ? failure.number() : EINVAL);
  return container;
}

Result<> Container::clone(const Request& request, std::vector<sys::Fd>& descriptors) {
  const Given given = TRY(sort_descriptors(request, descriptors));
  const sys::Mapping bytes = TRY(sys::map_sealed_memory(given.plan, kMaxPlanBytes));
  const Plan plan = TRY(decode_plan(bytes.bytes()));
  if (plan.name != request.container)
    return error(Kind::corrupt, "the plan is for '", std::string_view(plan.name), "'");
  auto [ours, theirs] = TRY(sys::make_packet_pair());
  sys::Cloned cloned = TRY(sys::clone_process(sys::name_space::kMount | sys::name_space::kPid, given.cgroup.get()));
  if (cloned.pid == 0) {
    // Ours must be gone from the child, or it would never see the end of it.
    ours.reset();
    run_child(plan, numbers_of(given, theirs));
  }
  pid_ = cloned.pid;
  process_ = std::move(cloned.process);
  report_ = std::move(ours);
  stop_signal_ = plan.stop_signal;
  grace_ = std::chrono::milliseconds(plan.grace_ms);
  has_init_ = plan.init;
  return {};
}

void Container::proceed() {
  if (stage_ != Stage::parked || aborting_) return;
  stage_ = Stage::starting;
  (void)sys::send_packet(report_, {&kProceed, 1}, {}, sys::Wait::no);
}

void Container::abort() {
  if (stage_ == Stage::ended || stage_ == Stage::running) return;
  aborting_ = true;
  kill();
}

void Container::stop(std::chrono::milliseconds grace, Clock::time_point now) {
  if (stage_ == Stage::ended || aborting_) return;
  if (stage_ == Stage::building || stage_ == Stage::parked) return abort();
  // A grace beyond a year is no deadline anybody waits for, and must not overflow the clock.
  const auto bounded = std::min<std::chrono::milliseconds>(grace, std::chrono::hours(24 * 365));
  const bool first = !deadline_;
  deadline_ = first ? now + bounded : std::min(*deadline_, now + bounded);
  if (!first) return;
  if (stage_ == Stage::starting) {
    stop_waits_ = true;
  } else {
    signal(stop_signal_);
  }
}

void Container::signal(int signum) {
  if (stage_ == Stage::ended || signum == 0) return;
  (void)sys::send_signal(process_, signum);
}

void Container::owner_lost(bool ends_pod, Clock::time_point now) {
  if (stage_ == Stage::building || stage_ == Stage::parked) return abort();
  if (ends_pod) stop(now);
}

bool Container::hear_report() {
  while (true) {
    Report report;
    auto packet = sys::receive_packet(report_, reinterpret_cast<char*>(&report), sizeof report, sys::Wait::no);
    if (packet && !*packet) return true;
    if (!packet || (*packet)->size != sizeof report) break;
    report.step.back() = '\0';
    report.text.back() = '\0';
    take_report(report, (*packet)->descriptors);
  }
  // The end of the socket: the workload executes, or the child is about to be reaped.
  if (stage_ == Stage::starting && !has_init_ && !aborting_ && text_.empty()) started();
  return false;
}

void Container::take_report(const Report& report, std::vector<sys::Fd>& descriptors) {
  switch (report.type) {
    case Report::Type::parked:
      if (stage_ != Stage::building) return;
      if (!descriptors.empty()) terminal_ = std::move(descriptors.front());
      stage_ = Stage::parked;
      if (!aborting_) happen(kReady);
      return;
    case Report::Type::executed:
      if (stage_ == Stage::starting && text_.empty()) started();
      return;
    case Report::Type::failed:
      if (stage_ == Stage::running || !text_.empty()) return;
      step_ = report.step.data();
      text_ = report.text.data();
      value_ = report.number;
      return;
    case Report::Type::signaled:
      if (stage_ == Stage::running) init_signal_ = report.number;
      return;
  }
}

void Container::started() {
  stage_ = Stage::running;
  happen(kRunning);
  if (stop_waits_) signal(stop_signal_);
}

void Container::settle_end() {
  const auto ended = sys::reap(process_, sys::Wait::no);
  if (!ended || !*ended) return;
  // What it said last is still in the socket.
  if (report_.is_open()) (void)hear_report();
  const sys::Ended how = **ended;
  if (stage_ == Stage::running) {
    const int signum = init_signal_ != 0 ? init_signal_ : how.by_signal ? how.value : 0;
    return signum != 0 ? end_with(Notice::Type::signaled, signum) : end_with(Notice::Type::exited, how.value);
  }
  if (aborting_) return end_with(Notice::Type::aborted, 0);
  if (text_.empty()) {
    step_ = "setup";
    text_ = concat("the container's first process was ended by ", how.by_signal ? "signal " : "exit code ", how.value);
    value_ = ECHILD;
  }
  end_with(Notice::Type::failed, value_);
}

void Container::end_with(Notice::Type type, int value) {
  stage_ = Stage::ended;
  last_type_ = type;
  value_ = value;
  happen(kEnded);
  deadline_.reset();
  process_.reset();
  report_.reset();
}

void Container::kill() { (void)sys::send_signal(process_, kKill); }

void Container::enforce(Clock::time_point now) {
  if (!deadline_ || now < *deadline_) return;
  deadline_.reset();
  kill();
}

unsigned Container::next_level() const {
  unsigned level = told_;
  while ((happened_ >> level & 1U) == 0) ++level;
  return level;
}

Notice Container::next_notice() const {
  Notice notice;
  notice.container = name_;
  switch (next_level()) {
    case kReady: notice.type = Notice::Type::ready; break;
    case kRunning: notice.type = Notice::Type::running; break;
    default:
      notice.type = last_type_;
      notice.value = value_;
      if (last_type_ != Notice::Type::failed) return notice;
      notice.step = step_;
      notice.text = text_;
      return notice;
  }
  notice.host_pid = pid_;
  return notice;
}

int Container::notice_descriptor() const { return next_level() == kEnded ? -1 : terminal_.get(); }

void Container::tell_again() {
  if (happened_ == 0) return;
  told_ = kEnded;
  while ((happened_ >> told_ & 1U) == 0) --told_;
}

}  // namespace tank::shim
