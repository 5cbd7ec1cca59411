// What owner and shim say to each other: one message a packet, a fixed header and a bounded payload. Both sides decode
// with full checks; a message that is not exactly right is not half understood.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shim/client.h"
#include "tank/result.h"

namespace tank::shim {

inline constexpr std::size_t kMaxMessageBytes = 8192;
inline constexpr std::size_t kMaxNameBytes = 255;
inline constexpr std::size_t kMaxStepBytes = 31;
inline constexpr std::size_t kMaxTextBytes = 1024;

/// From the owner.
struct Request {
  enum class Type : std::uint8_t {
    pod,     ///< first on a spawned shim's channel: what its containers share; with the mounts it names as descriptors
    attach,  ///< first of a later owner
    create,  ///< with descriptors: the plan, then those that `descriptors` names, in its order
    proceed,
    abort,
    stop,
    signal,
    dismiss,
  };
  Type type = Type::attach;
  std::string container;
  PodPlan pod;                                ///< pod
  std::int64_t grace_ms = 0;                  ///< stop
  std::int32_t signum = 0;                    ///< signal
  bool has_cgroup = false;                    ///< create
  bool has_stdio[3] = {false, false, false};  ///< create
  std::uint32_t cgroup_procs = 0;             ///< create: how many
};

/// From the shim.
struct Answer {
  enum class Type : std::uint8_t {
    welcome,  ///< to attach: you are the owner
    denied,   ///< to attach: another user
    busy,     ///< to attach: the owner lives
    refused,  ///< to dismiss: a container lives
    notice,
  };
  Type type = Type::notice;
  Notice notice;  ///< its terminal travels as a descriptor beside the bytes
};

std::string encode(const Request& request);
std::string encode(const Answer& answer);
/// Kind::corrupt when the bytes are not exactly one message.
Result<Request> decode_request(std::string_view bytes);
Result<Answer> decode_answer(std::string_view bytes);

}  // namespace tank::shim
