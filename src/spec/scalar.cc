// Hand-written scanners: regular expressions would cost more at start-up than reading a whole manifest.
#include "spec/scalar.h"

#include <algorithm>
#include <array>

#include "tank/result.h"

namespace tank::spec {

namespace {

constexpr std::array<std::string_view, 11> kTrue = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                                    "on",   "On",   "ON",   "y",   "Y"};
constexpr std::array<std::string_view, 11> kFalse = {"false", "False", "FALSE", "no", "No", "NO",
                                                     "off",   "Off",   "OFF",   "n",  "N"};
constexpr std::size_t kShownBytes = 80;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-'; }

std::size_t skip_digits(std::string_view text, std::size_t from) {
  while (from < text.size() && (is_digit(text[from]) || text[from] == '_')) ++from;
  return from;
}

// 12, 12.5, .5, 12., each with an exponent.
bool is_decimal(std::string_view text) {
  if (text.empty() || text[0] == '_') return false;
  const std::size_t whole = skip_digits(text, 0);
  std::size_t end = whole;
  bool has_digits = whole > 0;
  if (end < text.size() && text[end] == '.') {
    const std::size_t fraction = skip_digits(text, end + 1);
    has_digits = has_digits || fraction > end + 1;
    end = fraction;
  }
  if (!has_digits) return false;
  if (end == text.size()) return true;
  if (text[end] != 'e' && text[end] != 'E') return false;
  ++end;
  if (end < text.size() && (text[end] == '+' || text[end] == '-')) ++end;
  return end < text.size() && skip_digits(text, end) == text.size();
}

bool is_based(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return false;
  const auto all = [&](std::string_view digits) { return text.find_first_not_of(digits, 2) == std::string_view::npos; };
  switch (text[1]) {
    case 'x': return all("0123456789abcdefABCDEF_");
    case 'o': return all("01234567_");
    case 'b': return all("01_");
    default: return false;
  }
}

bool is_number(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  if (text == ".inf" || text == ".Inf" || text == ".INF") return true;
  return is_decimal(text) || is_based(text);
}

void append_escaped(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20U && byte != 0x7fU) {
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
}

// At most kShownBytes, never in the middle of a character.
std::string_view cut(std::string_view text) {
  if (text.size() <= kShownBytes) return text;
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

/// Length of the well-formed sequence at the start, or 0 (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i, unsigned least, unsigned most) {
    return byte(i) >= least && byte(i) <= most;
  };
  const unsigned first = byte(0);
  if (first < 0x80U) return 1;
  if (first >= 0xc2U && first <= 0xdfU) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0U && first <= 0xefU) {
    const bool second = follows(1, first == 0xe0U ? 0xa0 : 0x80, first == 0xedU ? 0x9f : 0xbf);
    return second && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0U && first <= 0xf4U) {
    const bool second = follows(1, first == 0xf0U ? 0x90 : 0x80, first == 0xf4U ? 0x8f : 0xbf);
    return second && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<bool> boolean_of(std::string_view plain) {
  if (std::find(kTrue.begin(), kTrue.end(), plain) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), plain) != kFalse.end()) return false;
  return std::nullopt;
}

Meaning meaning_of(std::string_view plain) {
  if (boolean_of(plain)) return Meaning::boolean;
  return is_number(plain) ? Meaning::number : Meaning::string;
}

std::string in_quotes(std::string_view text) {
  const std::string_view shown = cut(text);
  std::string out = "'";
  append_escaped(out, shown);
  out += shown.size() < text.size() ? "…'" : "'";
  return out;
}

std::string member_path(std::string_view parent, std::string_view key) {
  const bool word = !key.empty() && key.size() <= kShownBytes && std::all_of(key.begin(), key.end(), is_word);
  std::string out(parent);
  if (word) {
    if (!out.empty()) out += '.';
    out += key;
    return out;
  }
  out += '[';
  append_escaped(out, cut(key));
  out += cut(key).size() < key.size() ? "…]" : "]";
  return out;
}

std::string item_path(std::string_view parent, std::size_t index) { return concat(parent, "[", index, "]"); }

std::optional<std::size_t> find_bad_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i, 4));
    if (length == 0) return i;
    i += length;
  }
  return std::nullopt;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  const auto tail = [&](unsigned shift) { put(0x80U | ((code >> shift) & 0x3fU)); };
  if (code < 0x80U) {
    put(code);
  } else if (code < 0x800U) {
    put(0xc0U | (code >> 6U));
    tail(0);
  } else if (code < 0x10000U) {
    put(0xe0U | (code >> 12U));
    tail(6);
    tail(0);
  } else {
    put(0xf0U | (code >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace tank::spec
