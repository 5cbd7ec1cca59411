#include "shim/message.h"

#include <algorithm>

#include "shim/bytes.h"

namespace tank::shim {

namespace {

constexpr std::uint32_t kRequestMagic = 0x51524b54;  // "TKRQ"
constexpr std::uint32_t kAnswerMagic = 0x4e414b54;   // "TKAN"

void write_pod(Writer& out, const PodPlan& pod) {
  out.text(pod.name);
  out.number(pod.network);
  out.number(pod.ipc);
  out.number(pod.uts);
  out.text(pod.hostname);
  out.number(pod.on_owner_loss);
  out.number(static_cast<std::uint32_t>(pod.held.size()));
  for (const HeldMount& held : pod.held) out.text(held.path);
}

std::string read_text(Reader& in, std::size_t most) {
  std::string text = in.text();
  if (text.size() > most) in.fail();
  return text;
}

PodPlan read_pod(Reader& in) {
  PodPlan pod;
  pod.name = read_text(in, 2 * kMaxNameBytes);
  pod.network = in.choice(Share::fresh);
  pod.ipc = in.choice(Share::fresh);
  pod.uts = in.choice(Share::fresh);
  pod.hostname = read_text(in, kMaxNameBytes);
  pod.on_owner_loss = in.choice(OnOwnerLoss::wait);
  pod.held.resize(in.number_up_to<std::uint32_t>(kMaxHeldMounts));
  for (HeldMount& held : pod.held) held.path = read_text(in, kMaxMessageBytes);
  return pod;
}

void read_create(Reader& in, Request& request) {
  request.has_cgroup = in.flag();
  for (bool& given : request.has_stdio) given = in.flag();
  request.cgroup_procs = in.number_up_to<std::uint32_t>(32);
}

void write_notice(Writer& out, const Notice& notice) {
  out.number(notice.type);
  out.text(notice.container);
  out.number(static_cast<std::int32_t>(notice.host_pid));
  out.number(static_cast<std::int32_t>(notice.value));
  out.text(notice.step.substr(0, kMaxStepBytes));
  out.text(notice.text.substr(0, kMaxTextBytes));
}

Notice read_notice(Reader& in) {
  Notice notice;
  notice.type = in.choice(Notice::Type::aborted);
  notice.container = read_text(in, kMaxNameBytes);
  notice.host_pid = in.number<std::int32_t>();
  notice.value = in.number<std::int32_t>();
  notice.step = read_text(in, kMaxStepBytes);
  notice.text = read_text(in, kMaxTextBytes);
  return notice;
}

void write_header(Writer& out, std::uint32_t magic, std::uint8_t type) {
  out.number(magic);
  out.number(type);
}

bool names_container(Request::Type type) {
  return type != Request::Type::pod && type != Request::Type::attach && type != Request::Type::dismiss;
}

}  // namespace

std::string encode(const Request& request) {
  Writer out;
  write_header(out, kRequestMagic, static_cast<std::uint8_t>(request.type));
  if (names_container(request.type)) out.text(request.container);
  if (request.type == Request::Type::pod) write_pod(out, request.pod);
  if (request.type == Request::Type::stop) out.number(request.grace_ms);
  if (request.type == Request::Type::signal) out.number(request.signum);
  if (request.type == Request::Type::create) {
    out.number(std::uint8_t{request.has_cgroup});
    for (const bool given : request.has_stdio) out.number(std::uint8_t{given});
    out.number(request.cgroup_procs);
  }
  return out.bytes();
}

std::string encode(const Answer& answer) {
  Writer out;
  write_header(out, kAnswerMagic, static_cast<std::uint8_t>(answer.type));
  if (answer.type == Answer::Type::notice) write_notice(out, answer.notice);
  return out.bytes();
}

Result<Request> decode_request(std::string_view bytes) {
  Reader in(bytes);
  Request request;
  if (in.number<std::uint32_t>() != kRequestMagic) return error(Kind::corrupt, "these bytes are no request");
  request.type = in.choice(Request::Type::dismiss);
  if (names_container(request.type)) {
    request.container = read_text(in, kMaxNameBytes);
    if (request.container.empty()) in.fail();
  }
  if (request.type == Request::Type::pod) request.pod = read_pod(in);
  if (request.type == Request::Type::stop) request.grace_ms = in.number<std::int64_t>();
  if (request.type == Request::Type::signal) request.signum = in.number<std::int32_t>();
  if (request.type == Request::Type::create) read_create(in, request);
  const bool sound = request.grace_ms >= 0 && request.signum >= 0 && request.signum <= 64;
  if (!in.finished() || !sound) return error(Kind::corrupt, "a request is damaged");
  return request;
}

Result<Answer> decode_answer(std::string_view bytes) {
  Reader in(bytes);
  Answer answer;
  if (in.number<std::uint32_t>() != kAnswerMagic) return error(Kind::corrupt, "these bytes are no answer");
  answer.type = in.choice(Answer::Type::notice);
  if (answer.type == Answer::Type::notice) answer.notice = read_notice(in);
  if (!in.finished()) return error(Kind::corrupt, "an answer is damaged");
  return answer;
}

}  // namespace tank::shim
