// Writes JSON as it goes: open, members, close. Commas and escapes are taken care of; nothing else.
#pragma once

#include <string>
#include <string_view>

namespace probe {

class Json {
 public:
  // Each takes a key, empty inside an array.
  void open(std::string_view key, char bracket);
  void close(char bracket);
  void text(std::string_view key, std::string_view value);
  void number(std::string_view key, long long value);

  const std::string& written() const { return out_; }

 private:
  void begin(std::string_view key);
  void quoted(std::string_view value);

  std::string out_;
  bool first_ = true;
};

}  // namespace probe
