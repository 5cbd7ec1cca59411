// Writing and reading the few types our messages are made of. A Reader never reads past its end: the first wrong field
// makes it fail for good, and the caller asks once, at the end.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace tank::shim {

class Writer {
 public:
  template <typename Number>
  requires std::is_integral_v<Number> || std::is_enum_v<Number>
  void number(Number value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof raw);
  }
  /// Length, bytes, and a terminating zero, so that the reader can use it in place. Text with a zero in it is a mistake
  /// that has_zero() remembers.
  void text(std::string_view value) {
    if (value.find('\0') != std::string_view::npos) has_zero_ = true;
    number(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
    bytes_ += '\0';
  }
  void block(const void* data, std::size_t size) {
    number(static_cast<std::uint32_t>(size));
    bytes_.append(static_cast<const char*>(data), size);
  }

  const std::string& bytes() const { return bytes_; }
  bool has_zero() const { return has_zero_; }

 private:
  std::string bytes_;
  bool has_zero_ = false;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <typename Number>
  requires std::is_integral_v<Number> Number number() {
    Number value{};
    const std::string_view raw = take(sizeof value);
    if (!raw.empty()) std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  /// A number that must not exceed `most`.
  template <typename Number>
  Number number_up_to(Number most) {
    const auto value = number<Number>();
    if (value <= most) return value;
    fail();
    return Number{};
  }
  /// An enumerator; `last` is the greatest.
  template <typename Enum>
  Enum choice(Enum last) {
    using Raw = std::underlying_type_t<Enum>;
    return static_cast<Enum>(number_up_to(static_cast<Raw>(last)));
  }
  bool flag() { return number_up_to<std::uint8_t>(1) == 1; }
  /// Zero-terminated in place. Empty after a failure.
  const char* text() {
    const auto size = number<std::uint32_t>();
    const std::string_view raw = take(std::size_t{size} + 1);
    if (raw.empty()) return "";
    if (std::memchr(raw.data(), '\0', raw.size()) == raw.data() + size) return raw.data();
    fail();
    return "";
  }
  std::string_view block() {
    const auto size = number<std::uint32_t>();
    return size == 0 ? std::string_view() : take(size);
  }
  /// A count of things of which each takes at least `least` bytes: a lying count fails before anything is allocated.
  std::size_t count(std::size_t least) {
    const auto value = number<std::uint32_t>();
    if (value <= rest_.size() / least) return value;
    fail();
    return 0;
  }

  bool failed() const { return failed_; }
  bool finished() const { return !failed_ && rest_.empty(); }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

 private:
  std::string_view take(std::size_t size) {
    if (failed_ || size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace tank::shim
