#include "tank/result.h"

#include <cstring>

namespace tank {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::invalid: return "invalid";
    case Kind::not_found: return "not_found";
    case Kind::exists: return "exists";
    case Kind::busy: return "busy";
    case Kind::denied: return "denied";
    case Kind::timeout: return "timeout";
    case Kind::unavailable: return "unavailable";
    case Kind::unsupported: return "unsupported";
    case Kind::corrupt: return "corrupt";
    case Kind::not_running: return "not_running";
    case Kind::not_a_tty: return "not_a_tty";
    case Kind::attached: return "attached";
    case Kind::not_executable: return "not_executable";
    case Kind::no_command: return "no_command";
    case Kind::aborted: return "aborted";
    case Kind::kernel: return "kernel";
    case Kind::bug: return "bug";
  }
  return "bug";
}

namespace {

Kind kind_of_errno(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH: return Kind::not_found;
    case EEXIST: return Kind::exists;
    case EBUSY:
    case EAGAIN: return Kind::busy;
    case EACCES:
    case EPERM: return Kind::denied;
    case ETIMEDOUT: return Kind::timeout;
    case ENOSYS:
    case EOPNOTSUPP: return Kind::unsupported;
    default: return Kind::kernel;
  }
}

}  // namespace

Error Error::from_errno(int number, std::string_view doing) {
  return Error(kind_of_errno(number), number,
               concat(doing, ": ", strerrordesc_np(number) ? strerrordesc_np(number) : "unknown error"));
}

Error Error::while_doing(std::string_view doing) && {
  sentence_ = concat(doing, ": ", sentence_);
  return std::move(*this);
}

std::string to_string(const Error& error) {
  std::string out = error.sentence();
  for (const Error& undo : error.undo_errors()) out += concat("\n  while undoing: ", to_string(undo));
  return out;
}

}  // namespace tank
