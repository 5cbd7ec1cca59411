// Result and Error: how every room says that something went wrong.
//
// An Error is made once, where the facts are: a kind that callers branch on, the errno when the kernel spoke, and one
// sentence for people. Rooms above add what they were doing; nobody logs it but the top.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace tank {

/// What went wrong, as far as a caller may care. HTTP statuses and exit codes are tables over this.
enum class Kind : std::uint8_t {
  invalid,         ///< the request or a document makes no sense as it stands
  not_found,       ///< the named thing is not there
  exists,          ///< it is there already and must not be
  busy,            ///< somebody else holds it
  denied,          ///< not permitted
  timeout,         ///< the deadline passed
  unavailable,     ///< the other side cannot be reached or said so itself
  unsupported,     ///< sound, but not something this version or this machine does
  corrupt,         ///< bytes that are not what they claim to be
  not_running,     ///< the container is not up
  not_a_tty,       ///< the container has no terminal
  attached,        ///< somebody is attached already
  not_executable,  ///< the command was found but cannot be executed (exit code 126)
  no_command,      ///< the command was not found (exit code 127)
  aborted,         ///< the caller asked to stop before it was up
  kernel,          ///< a system call failed for a reason of its own: see number()
  bug,             ///< an invariant of ours does not hold
};

std::string_view to_string(Kind kind);

/// One error: kind, errno, one sentence. Sentences are lower case, end without a full stop and read
/// "doing what to 'whom': why".
class [[nodiscard]] Error {
 public:
  Error(Kind kind, std::string sentence) : kind_(kind), sentence_(std::move(sentence)) {}
  Error(Kind kind, int number, std::string sentence) : kind_(kind), number_(number), sentence_(std::move(sentence)) {}

  /// From an errno value: the kind follows from it (ENOENT is not_found, EEXIST exists, EACCES and EPERM denied, …),
  /// the sentence ends in the system's own words for it.
  static Error from_errno(int number, std::string_view doing);

  Kind kind() const { return kind_; }
  /// The errno, or 0 when no system call was involved.
  int number() const { return number_; }
  const std::string& sentence() const { return sentence_; }

  /// The same error seen from further up: "doing: sentence".
  Error while_doing(std::string_view doing) &&;

  /// Errors met while undoing what this one interrupted. They never hide the first.
  const std::vector<Error>& undo_errors() const { return undo_errors_; }
  void add_undo_error(Error error) { undo_errors_.push_back(std::move(error)); }

 private:
  Kind kind_;
  int number_ = 0;
  std::string sentence_;
  std::vector<Error> undo_errors_;
};

/// The sentence, and one more line per undo error.
std::string to_string(const Error& error);

namespace detail {
inline void append(std::string& out, std::string_view part) { out += part; }
inline void append(std::string& out, char part) { out += part; }
template <typename Number>
requires std::is_integral_v<Number>
void append(std::string& out, Number part) { out += std::to_string(part); }
}  // namespace detail

/// Joins strings and integers. The one way sentences are built.
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

/// A T or an Error. Add context with while_doing; the parts are only joined when there is an error.
template <typename T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(tl::expected<T, Error> other) : tl::expected<T, Error>(std::move(other)) {}
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}

  template <typename... Parts>
  Result while_doing(const Parts&... parts) && {
    if (this->has_value()) return std::move(*this);
    return Result(std::move(this->error()).while_doing(concat(parts...)));
  }
};

namespace detail {
template <typename T>
T take(tl::expected<T, Error>&& result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}
}  // namespace detail

/// An Error from the current errno.
template <typename... Parts>
Error errno_error(const Parts&... doing) {
  const int number = errno;
  return Error::from_errno(number, concat(doing...));
}

/// An Error with a sentence made of the parts.
template <typename... Parts>
Error error(Kind kind, const Parts&... parts) {
  return Error(kind, concat(parts...));
}

}  // namespace tank

/// Gives the value of a Result or returns its Error from the function. Only as a whole statement or a whole right-hand
/// side: inside a braced initialiser GCC 12 and clang 14 leak the members built so far.
#define TRY(...)                                                        \
  __extension__({                                                       \
    auto&& tank_try_ = (__VA_ARGS__);                                   \
    if (!tank_try_) return ::tank::Error(std::move(tank_try_.error())); \
    ::tank::detail::take(std::move(tank_try_));                         \
  })
