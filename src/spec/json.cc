// JSON exactly as RFC 8259 has it, several values one after the other allowed. It has its own reader because the YAML
// library refuses what JSON allows: surrogate escapes and tabs between tokens.
#include "spec/builder.h"
#include "spec/scalar.h"
#include "tank/result.h"

namespace tank::spec {

namespace {

class Reader {
 public:
  Reader(std::string_view text, Builder& builder) : text_(text), builder_(builder) {}

  void read_stream() {
    for (skip_space(); offset_ < text_.size(); skip_space()) {
      if (is_separator()) {
        offset_ += 3;
      } else {
        read_value();
      }
    }
  }

 private:
  char peek() const { return offset_ < text_.size() ? text_[offset_] : '\0'; }

  Position here() const { return Position{line_, static_cast<std::uint32_t>(offset_ - line_start_ + 1)}; }

  [[noreturn]] void stop(std::string rule) const { throw Stop{Stop::Cause::syntax, {here(), {}, std::move(rule)}}; }

  // kubectl takes "---" between JSON documents too.
  bool is_separator() const { return offset_ == line_start_ && text_.substr(offset_, 3) == "---"; }

  void skip_space() {
    for (; offset_ < text_.size(); ++offset_) {
      const char c = text_[offset_];
      if (c == '\n') {
        ++line_;
        line_start_ = offset_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  void expect(char c) {
    if (peek() != c) stop(concat("expected '", c, "'", found()));
    ++offset_;
  }

  std::string found() const {
    return offset_ < text_.size() ? concat(" but found ", in_quotes(text_.substr(offset_, 1)))
                                  : std::string(" but the text ends");
  }

  // The recursion is bounded by the builder's depth limit.
  void read_value() {
    switch (peek()) {
      case '{': return read_object();
      case '[': return read_array();
      case '"': {
        const Position position = here();
        return builder_.scalar(position, Form::text, read_string());
      }
      default: return read_bare();
    }
  }

  void read_object() {
    builder_.begin(here(), Form::map);
    ++offset_;
    skip_space();
    while (peek() != '}') {
      if (peek() != '"') stop(concat("expected a key in double quotes", found()));
      const Position position = here();
      builder_.scalar(position, Form::text, read_string());
      skip_space();
      expect(':');
      skip_space();
      read_value();
      if (!read_comma('}')) break;
    }
    expect('}');
    builder_.end();
  }

  void read_array() {
    builder_.begin(here(), Form::list);
    ++offset_;
    skip_space();
    while (peek() != ']') {
      read_value();
      if (!read_comma(']')) break;
    }
    expect(']');
    builder_.end();
  }

  bool read_comma(char closing) {
    skip_space();
    if (peek() == closing) return false;
    if (peek() != ',') stop(concat("expected ',' or '", closing, "'", found()));
    ++offset_;
    skip_space();
    if (peek() == closing) stop(concat("expected a value after ','", found()));
    return true;
  }

  std::string read_string() {
    ++offset_;
    std::string out;
    while (peek() != '"') {
      if (offset_ >= text_.size()) stop("the string is never closed");
      const char c = text_[offset_];
      if (static_cast<unsigned char>(c) < 0x20U) stop("a control character in a string must be escaped");
      ++offset_;
      if (c == '\\') {
        read_escape(out);
      } else {
        out += c;
      }
    }
    ++offset_;
    return out;
  }

  void read_escape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    const char c = peek();
    if (c == 'u') {
      ++offset_;
      return append_utf8(out, read_code_point());
    }
    const auto index = c == '\0' ? std::string_view::npos : kNames.find(c);
    if (index == std::string_view::npos) stop("unknown escape in a string");
    out += kValues[index];
    ++offset_;
  }

  // Characters beyond the first plane are written as a pair of surrogates.
  std::uint32_t read_code_point() {
    const std::uint32_t high = read_four_digits();
    if (high < 0xd800U || high > 0xdfffU) return high;
    if (high > 0xdbffU || text_.substr(offset_, 2) != "\\u") stop("half of a surrogate pair stands alone");
    offset_ += 2;
    const std::uint32_t low = read_four_digits();
    if (low < 0xdc00U || low > 0xdfffU) stop("half of a surrogate pair stands alone");
    return 0x10000U + ((high - 0xd800U) << 10U) + (low - 0xdc00U);
  }

  std::uint32_t read_four_digits() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++offset_) {
      static constexpr std::string_view kLower = "0123456789abcdef";
      static constexpr std::string_view kUpper = "0123456789ABCDEF";
      auto digit = kLower.find(peek());
      if (digit == std::string_view::npos) digit = kUpper.find(peek());
      if (digit == std::string_view::npos) stop("\\u must be followed by four hexadecimal digits");
      value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    return value;
  }

  void read_bare() {
    const Position position = here();
    const std::size_t start = offset_;
    const std::size_t end = std::min(text_.find_first_of(" \t\r\n,:]}[{\"", start), text_.size());
    const std::string_view word = text_.substr(start, end - start);
    if (word != "null" && word != "true" && word != "false" && !is_number(word)) {
      stop(word.empty() ? concat("expected a value", found()) : concat(in_quotes(word), " is not a JSON value"));
    }
    offset_ = end;
    builder_.scalar(position, word == "null" ? Form::null : Form::plain, std::string(word == "null" ? "" : word));
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  static bool take_digits(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(end);
    return end > 0;
  }

  static bool is_number(std::string_view text) {
    if (text.substr(0, 1) == "-") text.remove_prefix(1);
    if (text.size() > 1 && text[0] == '0' && is_digit(text[1])) return false;
    if (!take_digits(text)) return false;
    if (text.substr(0, 1) == ".") {
      text.remove_prefix(1);
      if (!take_digits(text)) return false;
    }
    if (text.empty()) return true;
    if (text[0] != 'e' && text[0] != 'E') return false;
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
    return take_digits(text) && text.empty();
  }

  std::string_view text_;
  Builder& builder_;
  std::size_t offset_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

void read_json(std::string_view text, Builder& builder) { Reader(text, builder).read_stream(); }

}  // namespace tank::spec
