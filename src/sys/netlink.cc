#include "sys/netlink.h"

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "sys/namespace.h"

namespace tank::sys {

namespace {

// What the kernel fills at most per read when the reader offers it (net/netlink/af_netlink.c, max_recvmsg_len).
constexpr std::size_t kReceiveBytes = 32768;
constexpr int kDumpAttempts = 16;

Error answer_error(int number, std::string_view explanation) {
  Error plain = Error::from_errno(number, "the kernel refused");
  if (explanation.empty()) return plain;
  return Error(plain.kind(), number, concat(plain.sentence(), " (", explanation, ")"));
}

/// The verdict in an NLMSG_ERROR message; 0 is the acknowledgement.
Result<> verdict(const nlmsghdr& message) {
  const nlmsgerr* answer = find_header<nlmsgerr>(message);
  if (answer == nullptr) return error(Kind::kernel, "the kernel's answer was cut short");
  if (answer->error == 0) return {};
  std::string explanation;
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
    // Without NETLINK_CAP_ACK, which is older than the explanations, the whole request would stand before them.
    const bool capped = (message.nlmsg_flags & NLM_F_CAPPED) != 0;
    const std::size_t quoted =
        capped || answer->msg.nlmsg_len < NLMSG_HDRLEN ? 0 : answer->msg.nlmsg_len - NLMSG_HDRLEN;
    explanation = NetlinkAttributes(message, sizeof(nlmsgerr) + quoted).string(NLMSGERR_ATTR_MSG);
  }
  return answer_error(-answer->error, explanation);
}

Result<> set_option(const Fd& fd, int option) {
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_NETLINK, option, &on, sizeof on) < 0) return errno_error("preparing a netlink socket");
  return {};
}

}  // namespace

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags) {
  static_assert(sizeof bytes_ <= 0xffff, "an attribute that fits the buffer must fit its 16-bit length");
  mnl_nlmsg_put_header(bytes_.data());
  header()->nlmsg_type = type;
  header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
}

void NetlinkMessage::put_header(const void* bytes, std::size_t size) {
  fits_ = fits_ && header()->nlmsg_len + MNL_ALIGN(size) <= bytes_.size();
  if (fits_) std::memcpy(mnl_nlmsg_put_extra_header(header(), size), bytes, size);
}

void NetlinkMessage::put_bytes(std::uint16_t type, const void* bytes, std::size_t size) {
  // The first test keeps the sum that libmnl makes from wrapping.
  fits_ = fits_ && size <= bytes_.size() && mnl_attr_put_check(header(), bytes_.size(), type, size, bytes);
}

void NetlinkMessage::put(std::uint16_t type, std::span<const std::uint8_t> bytes) {
  put_bytes(type, bytes.data(), bytes.size());
}

void NetlinkMessage::put_u32(std::uint16_t type, std::uint32_t value) { put_bytes(type, &value, sizeof value); }

void NetlinkMessage::put_string(std::uint16_t type, std::string_view text) {
  const std::string terminated(text);
  put_bytes(type, terminated.c_str(), terminated.size() + 1);
}

nlattr* NetlinkMessage::begin_nested(std::uint16_t type) {
  nlattr* start = fits_ ? mnl_attr_nest_start_check(header(), bytes_.size(), type) : nullptr;
  fits_ = start != nullptr;
  return start;
}

void NetlinkMessage::end_nested(nlattr* start) {
  if (start != nullptr) mnl_attr_nest_end(header(), start);
}

NetlinkAttributes::NetlinkAttributes(const nlmsghdr& message, std::size_t header_size) {
  const std::size_t before = NLMSG_HDRLEN + MNL_ALIGN(header_size);
  if (message.nlmsg_len < before) return;
  bytes_ = {reinterpret_cast<const std::uint8_t*>(&message) + before, message.nlmsg_len - before};
}

std::optional<std::span<const std::uint8_t>> NetlinkAttributes::find_bytes(std::uint16_t type) const {
  std::span<const std::uint8_t> rest = bytes_;
  while (!rest.empty()) {
    const auto* attribute = reinterpret_cast<const nlattr*>(rest.data());
    if (!mnl_attr_ok(attribute, static_cast<int>(rest.size()))) break;
    if (mnl_attr_get_type(attribute) == type) {
      return std::span(static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)),
                       mnl_attr_get_payload_len(attribute));
    }
    rest = rest.subspan(std::min<std::size_t>(MNL_ALIGN(attribute->nla_len), rest.size()));
  }
  return std::nullopt;
}

std::optional<std::uint32_t> NetlinkAttributes::find_u32(std::uint16_t type) const {
  const auto bytes = find_bytes(type);
  if (!bytes || bytes->size() != sizeof(std::uint32_t)) return std::nullopt;
  std::uint32_t value = 0;
  std::memcpy(&value, bytes->data(), sizeof value);
  return value;
}

std::string NetlinkAttributes::string(std::uint16_t type) const {
  const auto bytes = find_bytes(type);
  if (!bytes) return {};
  return {bytes->begin(), std::find(bytes->begin(), bytes->end(), std::uint8_t{0})};
}

NetlinkAttributes NetlinkAttributes::nested(std::uint16_t type) const {
  return NetlinkAttributes(find_bytes(type).value_or(std::span<const std::uint8_t>{}));
}

Result<NetlinkSocket> NetlinkSocket::open() {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.is_open()) return errno_error("opening a netlink socket");
  // Explanations beside error numbers; no echo of our request before them; and filters in dumps that are obeyed or
  // refused, not ignored.
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) TRY(set_option(fd, option));
  return NetlinkSocket(std::move(fd));
}

Result<NetlinkSocket> NetlinkSocket::open_in(const NetnsFd& netns) {
  const NetnsVisit visit = TRY(NetnsVisit::enter(netns));
  return open();
}

Result<> NetlinkSocket::send(NetlinkMessage& message) {
  if (!message.fits())
    return error(Kind::invalid, "a netlink message would be longer than ", message.bytes_.size(), " bytes");
  message.header()->nlmsg_seq = ++sequence_;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  for (;;) {
    const ssize_t sent = ::sendto(fd_.get(), message.bytes_.data(), message.size(), 0,
                                  reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
    if (sent >= 0) return {};
    if (errno != EINTR) return errno_error("sending to the kernel");
  }
}

Result<std::span<const std::uint8_t>> NetlinkSocket::receive() {
  // Most answers are short: pages that are not used are not touched.
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(kReceiveBytes);
  for (;;) {
    sockaddr_nl sender{};
    iovec where{buffer_.get(), kReceiveBytes};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &where;
    message.msg_iovlen = 1;
    const ssize_t got = ::recvmsg(fd_.get(), &message, 0);
    if (got < 0 && errno == EINTR) continue;
    // ENOBUFS means that an answer was dropped: whether the change was made is then unknown, so it is an error.
    if (got < 0) return errno_error("receiving the kernel's answer");
    if ((message.msg_flags & MSG_TRUNC) != 0)
      return error(Kind::kernel, "the kernel's answer exceeds ", kReceiveBytes, " bytes");
    // Any process may send to a netlink socket; only port 0 is the kernel.
    if (sender.nl_pid == 0) return std::span<const std::uint8_t>(buffer_.get(), static_cast<std::size_t>(got));
  }
}

Result<> NetlinkSocket::request(NetlinkMessage& message) {
  message.header()->nlmsg_flags |= NLM_F_ACK;
  return ask(message, [](const nlmsghdr&) {});
}

Result<> NetlinkSocket::ask(NetlinkMessage& message, const Visitor& answer) {
  TRY(send(message));
  for (;;) {
    const std::span<const std::uint8_t> packet = TRY(receive());
    int left = static_cast<int>(packet.size());
    for (const auto* part = reinterpret_cast<const nlmsghdr*>(packet.data()); mnl_nlmsg_ok(part, left);
         part = mnl_nlmsg_next(part, &left)) {
      if (part->nlmsg_seq != sequence_) continue;
      if (part->nlmsg_type == NLMSG_ERROR) return verdict(*part);
      if (part->nlmsg_type < NLMSG_MIN_TYPE) continue;
      answer(*part);
      return {};
    }
  }
}

Result<> NetlinkSocket::dump(NetlinkMessage& message, const std::function<void()>& restart, const Visitor& each) {
  message.header()->nlmsg_flags |= NLM_F_DUMP;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    restart();
    TRY(send(message));
    const Ending ending = TRY(receive_table(each));
    if (ending == Ending::complete) return {};
  }
  return error(Kind::busy, "the kernel's table kept changing while it was read");
}

Result<NetlinkSocket::Ending> NetlinkSocket::receive_table(const Visitor& each) {
  Ending ending = Ending::complete;
  for (;;) {
    const std::span<const std::uint8_t> packet = TRY(receive());
    int left = static_cast<int>(packet.size());
    for (const auto* part = reinterpret_cast<const nlmsghdr*>(packet.data()); mnl_nlmsg_ok(part, left);
         part = mnl_nlmsg_next(part, &left)) {
      if (part->nlmsg_seq != sequence_) continue;
      if ((part->nlmsg_flags & NLM_F_DUMP_INTR) != 0) ending = Ending::interrupted;
      if (part->nlmsg_type == NLMSG_ERROR) {
        TRY(verdict(*part));
        return error(Kind::kernel, "the kernel acknowledged a question instead of answering it");
      }
      if (part->nlmsg_type == NLMSG_DONE) {
        const int* code = find_header<int>(*part);
        if (code != nullptr && *code < 0) return answer_error(-*code, {});
        return ending;
      }
      if (part->nlmsg_type >= NLMSG_MIN_TYPE) each(*part);
    }
  }
}

}  // namespace tank::sys
