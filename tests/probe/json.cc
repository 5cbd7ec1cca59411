#include "json.h"

#include <cstdio>

namespace probe {

void Json::begin(std::string_view key) {
  if (!first_) out_ += ',';
  first_ = false;
  if (key.empty()) return;
  quoted(key);
  out_ += ':';
}

void Json::open(std::string_view key, char bracket) {
  begin(key);
  out_ += bracket;
  first_ = true;
}

void Json::close(char bracket) {
  out_ += bracket;
  first_ = false;
}

void Json::text(std::string_view key, std::string_view value) {
  begin(key);
  quoted(value);
}

void Json::number(std::string_view key, long long value) {
  begin(key);
  out_ += std::to_string(value);
}

void Json::quoted(std::string_view value) {
  out_ += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      // Bytes above 7f are shown as the code points of Latin-1: the report is about bytes, and stays valid JSON.
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      out_ += escape;
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

}  // namespace probe
