#include "image/challenge.h"

#include <optional>

namespace tank::image {

namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  void skip(std::string_view set) { rest_.remove_prefix(std::min(rest_.find_first_not_of(set), rest_.size())); }

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string token() {
    const std::string_view found = rest_.substr(0, rest_.find_first_of(" \t,=\""));
    rest_.remove_prefix(found.size());
    std::string out(found);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
  }

  // A token68 or an unquoted value keeps its case.
  std::string raw_value() {
    const std::string_view found = rest_.substr(0, rest_.find_first_of(" \t,"));
    rest_.remove_prefix(found.size());
    return std::string(found);
  }

  std::optional<std::string> quoted() {
    if (!take('"')) return std::nullopt;
    std::string out;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return out;
      if (c == '\\' && !rest_.empty()) {
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      out += c;
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> out;
  Scanner scan(header);
  for (;;) {
    scan.skip(" \t,");
    if (scan.at_end()) return out;
    std::string word = scan.token();
    if (word.empty()) return out;
    scan.skip(" \t");
    if (!scan.take('=')) {
      out.push_back({std::move(word), {}});
      continue;
    }
    if (out.empty()) return out;
    scan.skip(" \t");
    const std::optional<std::string> quoted = scan.quoted();
    out.back().parameters.emplace(std::move(word), quoted ? *quoted : scan.raw_value());
  }
}

}  // namespace tank::image
