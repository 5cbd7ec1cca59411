#include "shim/pod.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "sys/memory.h"
#include "sys/mount.h"
#include "sys/path_in_root.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"

namespace tank::shim {

namespace {

constexpr int kQuietMilliseconds = 200;

/// The pod's volumes in memory, in a mount namespace of the shim's own. What the host unmounts later goes here too.
Result<> hold_mounts(const std::vector<HeldMount>& held, std::vector<sys::Fd> descriptors) {
  if (descriptors.size() != held.size()) return error(Kind::corrupt, "holding volumes: descriptors are missing");
  TRY(sys::unshare(sys::name_space::kMount));
  TRY(sys::follow_host_mounts());
  for (std::size_t i = 0; i < held.size(); ++i) {
    const sys::Fd place = TRY(sys::open_place(held[i].path.c_str()));
    const sys::MountFd mount(descriptors[i].release());
    TRY(sys::attach_mount(mount, place).while_doing("holding '", held[i].path, "'"));
  }
  return {};
}

}  // namespace

Result<> Pod::run() {
  TRY(watch_all());
  while (!done_) {
    auto events = TRY(epoll_.wait(patience()));
    if (events.count == 0 && may_shrink()) events = TRY(rest());
    for (const sys::Epoll::Event& event : events) handle(event);
    const auto now = Clock::now();
    for (Container& container : containers_) container.enforce(now);
    tell_owner();
    if (ending_ && all_ended()) done_ = true;
  }
  return {};
}

Result<> Pod::watch_all() {
  TRY(epoll_.add(channel_, sys::Interest::read));
  TRY(epoll_.add(listener_, sys::Interest::read));
  return epoll_.add(signals_, sys::Interest::read);
}

int Pod::patience() const {
  std::optional<Clock::time_point> first;
  for (const Container& container : containers_) {
    if (const auto deadline = container.deadline(); deadline && (!first || *deadline < *first)) first = deadline;
  }
  if (!first) return may_shrink() ? kQuietMilliseconds : -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*first - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

bool Pod::may_shrink() const {
  return launched_ && std::all_of(containers_.begin(), containers_.end(),
                                  [](const Container& each) { return each.is_settled() && !each.deadline(); });
}

/// What launching needed of our code is of no use to a pod that runs: once, after a quiet moment, it is given back. The
/// wait follows at once, since all that runs in between comes into memory again.
Result<sys::Epoll::Events> Pod::rest() {
  launched_ = false;
  sys::forget_program_pages();
  return epoll_.wait(-1);
}

void Pod::handle(const sys::Epoll::Event& event) {
  if (event.descriptor == listener_.get()) return accept_owner();
  if (event.descriptor == channel_.get()) {
    if (event.readable) hear_owner();
    return;  // room to write is used by tell_owner()
  }
  if (event.descriptor == signals_.get()) {
    if (sys::next_signal(signals_) != 0) end_pod();
    return;
  }
  for (Container& container : containers_) handle_container(container, event.descriptor);
}

void Pod::handle_container(Container& container, int descriptor) {
  if (descriptor == container.report().get()) {
    if (!container.hear_report()) (void)epoll_.remove(container.report());
  } else if (descriptor == container.process().get()) {
    container.settle_end();
  }
}

void Pod::accept_owner() {
  auto accepted = sys::accept_connection(listener_);
  if (!accepted) return;
  const auto peer = sys::peer_of(*accepted);
  // A dead owner's last messages and its end may not have been read yet.
  if (channel_.is_open()) hear_owner();
  Answer answer;
  answer.type = !peer || peer->uid != ::geteuid() ? Answer::Type::denied : Answer::Type::busy;
  if (answer.type == Answer::Type::denied || channel_.is_open()) {
    (void)sys::send_packet(*accepted, encode(answer), {}, sys::Wait::no);
    return;
  }
  if (!epoll_.add(*accepted, sys::Interest::read)) return;
  channel_ = std::move(*accepted);
  attached_ = false;
}

void Pod::hear_owner() {
  std::array<char, kMaxMessageBytes> buffer;
  while (channel_.is_open() && !done_) {
    auto packet = sys::receive_packet(channel_, buffer.data(), buffer.size(), sys::Wait::no);
    if (packet && !*packet) return;
    // An owner that does not speak our language is no owner: better seen than half understood.
    if (!packet || (*packet)->size == 0) return lose_owner();
    const Result<Request> request = decode_request({buffer.data(), (*packet)->size});
    if (!request) return lose_owner();
    obey(*request, std::move((*packet)->descriptors));
  }
}

void Pod::obey(const Request& request, std::vector<sys::Fd> descriptors) {
  using Type = Request::Type;
  if (request.type == Type::pod && !is_set_up_) return set_up(request.pod, std::move(descriptors));
  if (request.type == Type::create) return create(request, std::move(descriptors));
  if (request.type == Type::dismiss) return dismiss();
  if (request.type == Type::attach && !attached_) {
    attached_ = true;
    for (Container& container : containers_) container.tell_again();
    Answer welcome;
    welcome.type = Answer::Type::welcome;
    (void)send(welcome, -1);
    return;
  }
  Container* container = find(request.container);
  // What ended by itself in the meantime is no news to complain about: its last word is on its way.
  if (container == nullptr) return;
  if (request.type == Type::proceed) {
    proceeded_ = true;
    container->proceed();
  }
  if (request.type == Type::abort) container->abort();
  if (request.type == Type::stop) container->stop(std::chrono::milliseconds(request.grace_ms), Clock::now());
  if (request.type == Type::signal) container->signal(request.signum);
}

void Pod::set_up(const PodPlan& plan, std::vector<sys::Fd> descriptors) {
  is_set_up_ = true;
  on_owner_loss_ = plan.on_owner_loss;
  std::uint64_t fresh = 0;
  if (plan.network == Share::fresh) fresh |= sys::name_space::kNetwork;
  if (plan.ipc == Share::fresh) fresh |= sys::name_space::kIpc;
  if (plan.uts == Share::fresh) fresh |= sys::name_space::kUts;
  Result<> made = fresh == 0 ? Result<>() : sys::unshare(fresh);
  if (made && plan.uts == Share::fresh && !plan.hostname.empty()) made = sys::set_hostname(plan.hostname.c_str());
  if (made && !plan.held.empty()) made = hold_mounts(plan.held, std::move(descriptors));
  if (!made) failure_ = made.error();
}

void Pod::create(const Request& request, std::vector<sys::Fd> descriptors) {
  Container* old = find(request.container);
  if (old != nullptr && (!old->has_ended() || old->has_unheard())) {
    // The living one keeps its name and its history; the owner hears that this one is none.
    Answer answer;
    answer.notice.container = request.container;
    answer.notice.value = EEXIST;
    answer.notice.step = "create";
    answer.notice.text = concat("a container '", request.container, "' exists already");
    (void)send(answer, -1);
    return;
  }
  Container made = failure_ ? Container::failed(request.container, "namespaces", *failure_)
                            : Container::create(request, std::move(descriptors));
  launched_ = true;
  if (!made.has_ended()) {
    (void)epoll_.add(made.report(), sys::Interest::read);
    (void)epoll_.add(made.process(), sys::Interest::read);
  }
  if (old != nullptr) {
    *old = std::move(made);
  } else {
    containers_.push_back(std::move(made));
  }
}

void Pod::dismiss() {
  if (all_ended()) {
    done_ = true;
    return;
  }
  Answer refused;
  refused.type = Answer::Type::refused;
  (void)send(refused, -1);
}

void Pod::lose_owner() {
  channel_.reset();
  writing_ = false;
  // A pod of which nothing ran and nothing ended has nothing to tell the next owner.
  const bool has_story = proceeded_ || std::any_of(containers_.begin(), containers_.end(),
                                                   [](const Container& each) { return each.has_ended(); });
  const bool waits = on_owner_loss_ == OnOwnerLoss::wait && has_story;
  const bool ends = !waits;
  const auto now = Clock::now();
  for (Container& container : containers_) container.owner_lost(ends, now);
  ending_ = ending_ || ends;
}

void Pod::end_pod() {
  ending_ = true;
  const auto now = Clock::now();
  for (Container& container : containers_) container.stop(now);
}

void Pod::tell_owner() {
  if (!channel_.is_open() || !attached_) return;
  bool has_room = true;
  for (Container& container : containers_) {
    while (has_room && channel_.is_open() && container.has_unheard()) {
      Answer answer;
      answer.notice = container.next_notice();
      has_room = send(answer, container.notice_descriptor());
      if (has_room) container.was_told();
    }
  }
  if (!channel_.is_open() || writing_ == !has_room) return;
  writing_ = !has_room;
  (void)epoll_.change(channel_, writing_ ? sys::Interest::read_write : sys::Interest::read);
}

bool Pod::send(const Answer& answer, int descriptor) {
  const std::vector<int> descriptors = descriptor < 0 ? std::vector<int>() : std::vector<int>{descriptor};
  const Result<bool> sent = sys::send_packet(channel_, encode(answer), descriptors, sys::Wait::no);
  // A dead owner is noticed by reading its channel to the end.
  return sent && *sent;
}

Container* Pod::find(const std::string& name) {
  const auto found = std::find_if(containers_.begin(), containers_.end(),
                                  [&](const Container& container) { return container.name() == name; });
  return found == containers_.end() ? nullptr : &*found;
}

bool Pod::all_ended() const {
  return std::all_of(containers_.begin(), containers_.end(), [](const Container& each) { return each.has_ended(); });
}

}  // namespace tank::shim
