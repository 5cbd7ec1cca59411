#include "shim/client.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "shim/message.h"
#include "shim/plan.h"
#include "sys/memory.h"
#include "sys/mount.h"
#include "sys/path_in_root.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace tank::shim {

namespace {

using Milliseconds = std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr mode_t kOwnerOnly = 0600;
/// For answers that the shim gives at once: what is beyond this is a shim that hangs.
constexpr Milliseconds kPrompt{5000};

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

Clock::time_point deadline_in(Milliseconds patience) {
  return Clock::now() + std::clamp<Milliseconds>(patience, Milliseconds(0), std::chrono::hours(24 * 365));
}

Result<> send(const sys::Fd& channel, const Request& request, const std::vector<int>& descriptors) {
  TRY(sys::send_packet(channel, encode(request), descriptors, sys::Wait::yes).while_doing("telling the shim"));
  return {};
}

/// The shim's program on a mount of its own that is read-only and that no path leads to. /proc/PID/exe then leads to
/// that mount too, and refuses whoever opens it for writing from inside a container.
Result<sys::MountFd> detach_program(const std::filesystem::path& binary) {
  namespace attribute = sys::mount_attribute;
  sys::MountFd program = TRY(sys::clone_mount_at(binary.c_str(), sys::Recursive::no));
  TRY(sys::change_mount(program, attribute::kReadonly | attribute::kNoSuid | attribute::kNoDevices, 0,
                        sys::Recursive::no));
  return program;
}

Request make_request(Request::Type type, const std::string& container) {
  Request request;
  request.type = type;
  request.container = container;
  return request;
}

struct Heard {
  Answer answer;
  std::vector<sys::Fd> descriptors;
};

/// The next answer; nothing when none came in time.
Result<std::optional<Heard>> hear(const sys::Fd& channel, Clock::time_point deadline) {
  std::array<char, kMaxMessageBytes> buffer;
  while (true) {
    auto packet = TRY(sys::receive_packet(channel, buffer.data(), buffer.size(), sys::Wait::no));
    if (!packet) {
      const unsigned ready = TRY(sys::wait_readable(channel, nullptr, milliseconds_until(deadline)));
      if (ready == 0 && Clock::now() >= deadline) return std::optional<Heard>();
      continue;
    }
    if (packet->size == 0) return error(Kind::unavailable, "the shim is gone");
    Heard heard;
    heard.answer = TRY(decode_answer({buffer.data(), packet->size}));
    heard.descriptors = std::move(packet->descriptors);
    return std::optional<Heard>(std::move(heard));
  }
}

Error refusal(Answer::Type type, const std::filesystem::path& path) {
  const std::string& name = path.native();
  if (type == Answer::Type::denied) return error(Kind::denied, "the shim at '", name, "' belongs to another user");
  if (type == Answer::Type::busy) return error(Kind::busy, "the shim at '", name, "' has an owner");
  return error(Kind::corrupt, "the shim at '", name, "' gave no welcome");
}

/// What travels beside a create request, in the order of message.h.
std::vector<int> gather(const ContainerPlan& plan, const sys::Fd& memory, Request& request) {
  std::vector<int> descriptors{memory.get()};
  request.has_cgroup = plan.cgroup >= 0;
  if (request.has_cgroup) descriptors.push_back(plan.cgroup);
  for (int number = 0; number < 3; ++number) {
    request.has_stdio[number] = plan.stdio[number] >= 0 && !plan.config.process.terminal;
    if (request.has_stdio[number]) descriptors.push_back(plan.stdio[number]);
  }
  request.cgroup_procs = static_cast<std::uint32_t>(plan.cgroup_procs.size());
  descriptors.insert(descriptors.end(), plan.cgroup_procs.begin(), plan.cgroup_procs.end());
  return descriptors;
}

}  // namespace

Result<Client> Client::spawn(const std::filesystem::path& binary, const std::filesystem::path& socket_path,
                             const PodPlan& plan) {
  const std::string doing = concat("starting the shim '", binary.native(), "'");
  const sys::MountFd program = TRY(detach_program(binary).while_doing(doing));
  auto [ours, theirs] = TRY(sys::make_packet_pair());
  const sys::Fd place = TRY(sys::open_place("/dev/null"));
  const sys::Fd null = TRY(sys::reopen(place, O_RDWR));
  Request request = make_request(Request::Type::pod, "");
  request.pod = plan;
  std::vector<int> mounts;
  for (const HeldMount& held : plan.held) mounts.push_back(held.mount);
  if (mounts.size() > kMaxHeldMounts || encode(request).size() > kMaxMessageBytes) {
    return error(Kind::invalid, doing, ": its pod has too many volumes in memory");
  }
  // It lies in the channel before the shim runs.
  TRY(send(ours, request, mounts));
  const sys::Fd listener = TRY(sys::bind_packet_socket(socket_path, kOwnerOnly).while_doing(doing));
  const std::string title = concat("tank-shim: ", plan.name);
  sys::Spawn what;
  what.executable = &program;
  what.title = title.c_str();
  what.descriptors = {null.get(), null.get(), null.get(), theirs.get(), listener.get()};
  auto spawned = sys::spawn(what);
  if (!spawned) {
    ::unlink(socket_path.c_str());
    return std::move(spawned.error()).while_doing(doing);
  }
  return Client(spawned->pid, std::move(spawned->process), std::move(ours));
}

Result<Client> Client::connect(const std::filesystem::path& socket_path) {
  sys::Fd channel = TRY(sys::connect_packet_socket(socket_path));
  const sys::Peer peer = TRY(sys::peer_of(channel));
  sys::PidFd process = TRY(sys::open_process(peer.pid));
  // Its welcome, asked for after the pidfd was opened, proves that the pid was still the shim's then. One that turned
  // us away has hung up already, and its answer still says why.
  (void)sys::send_packet(channel, encode(make_request(Request::Type::attach, "")), {}, sys::Wait::yes);
  const auto heard = TRY(hear(channel, deadline_in(kPrompt)).while_doing("connecting to '", socket_path.native(), "'"));
  if (!heard) return error(Kind::timeout, "connecting to '", socket_path.native(), "': the shim does not answer");
  if (heard->answer.type != Answer::Type::welcome) return refusal(heard->answer.type, socket_path);
  return Client(peer.pid, std::move(process), std::move(channel));
}

Result<> Client::create(const ContainerPlan& plan) {
  const std::string bytes = TRY(encode(plan));
  const sys::Fd memory = TRY(sys::make_sealed_memory("tank-plan", bytes));
  Request request = make_request(Request::Type::create, plan.name);
  const std::vector<int> descriptors = gather(plan, memory, request);
  return send(channel_, request, descriptors);
}

Result<> Client::proceed(const std::string& container) {
  return send(channel_, make_request(Request::Type::proceed, container), {});
}

Result<> Client::abort(const std::string& container) {
  return send(channel_, make_request(Request::Type::abort, container), {});
}

Result<> Client::stop(const std::string& container, std::chrono::milliseconds grace) {
  Request request = make_request(Request::Type::stop, container);
  request.grace_ms = std::max<std::int64_t>(grace.count(), 0);
  return send(channel_, request, {});
}

Result<> Client::signal(const std::string& container, int signum) {
  if (signum < 1 || signum > 64) return error(Kind::invalid, "there is no signal ", signum);
  Request request = make_request(Request::Type::signal, container);
  request.signum = signum;
  return send(channel_, request, {});
}

Result<> Client::dismiss() {
  std::array<char, kMaxMessageBytes> buffer;
  const auto waiting = TRY(sys::peek_packet(channel_, buffer.data(), buffer.size()));
  if (waiting && *waiting > 0) return error(Kind::busy, "dismissing the shim: it has notices that nobody heard");
  TRY(send(channel_, make_request(Request::Type::dismiss, ""), {}));
  const auto deadline = deadline_in(kPrompt);
  while (true) {
    const unsigned ready = TRY(sys::wait_readable(process_, &channel_, milliseconds_until(deadline)));
    if ((ready & 1U) != 0) return {};
    if ((ready & 2U) == 0 && Clock::now() >= deadline) return error(Kind::timeout, "dismissing the shim: it lives on");
    const auto size = TRY(sys::peek_packet(channel_, buffer.data(), buffer.size()));
    if (!size) continue;
    if (*size == 0) {
      // Its end is closed: it is exiting.
      TRY(sys::wait_readable(process_, nullptr, milliseconds_until(deadline)));
      return {};
    }
    const Answer answer = TRY(decode_answer({buffer.data(), *size}));
    if (answer.type != Answer::Type::refused) {
      return error(Kind::busy, "dismissing the shim: it has notices that nobody heard");
    }
    TRY(hear(channel_, deadline));
    return error(Kind::busy, "dismissing the shim: a container lives");
  }
}

Result<std::optional<Notice>> Client::receive(std::chrono::milliseconds patience) {
  const auto deadline = deadline_in(patience);
  while (true) {
    auto heard = TRY(hear(channel_, deadline));
    if (!heard) return std::optional<Notice>();
    if (heard->answer.type != Answer::Type::notice) continue;
    Notice notice = std::move(heard->answer.notice);
    if (!heard->descriptors.empty()) notice.terminal = std::move(heard->descriptors.front());
    return std::optional<Notice>(std::move(notice));
  }
}

Result<> Client::reap() {
  // A shim that still waits for us to speak must see that nobody will.
  channel_.reset();
  const auto ended = sys::reap(process_, sys::Wait::yes);
  if (ended || ended.error().kind() == Kind::not_found) return {};
  return ended.error();
}

}  // namespace tank::shim
