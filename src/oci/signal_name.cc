// Signal names as images write them in StopSignal.

#include <array>
#include <utility>

#include "base/parse.h"
#include "oci/command.h"

namespace tank::oci {

namespace {

using Named = std::pair<std::string_view, int>;

/// signal(7), the numbers of x86 and ARM. glibc keeps 32 and 33 to itself, so its SIGRTMIN, and everybody's, is 34.
constexpr std::array<Named, 36> kSignals{{
    {"HUP", 1},   {"INT", 2},   {"QUIT", 3},  {"ILL", 4},     {"TRAP", 5},    {"ABRT", 6},
    {"IOT", 6},   {"BUS", 7},   {"FPE", 8},   {"KILL", 9},    {"USR1", 10},   {"SEGV", 11},
    {"USR2", 12}, {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15},   {"STKFLT", 16}, {"CHLD", 17},
    {"CLD", 17},  {"CONT", 18}, {"STOP", 19}, {"TSTP", 20},   {"TTIN", 21},   {"TTOU", 22},
    {"URG", 23},  {"XCPU", 24}, {"XFSZ", 25}, {"VTALRM", 26}, {"PROF", 27},   {"WINCH", 28},
    {"IO", 29},   {"POLL", 29}, {"PWR", 30},  {"SYS", 31},    {"RTMIN", 34},  {"RTMAX", 64},
}};
constexpr int kRealtimeMin = 34;
constexpr int kRealtimeMax = 64;

int find_signal(std::string_view name) {
  for (const auto& [known, number] : kSignals) {
    if (known == name) return number;
  }
  return 0;
}

/// RTMIN+n and RTMAX-n, staying within the two.
int find_realtime(std::string_view name) {
  const auto sign = name.find_first_of("+-");
  if (sign == std::string_view::npos) return 0;
  const auto distance = parse_integer<int>(name.substr(sign + 1), 0, kRealtimeMax - kRealtimeMin);
  if (!distance) return 0;
  if (name.substr(0, sign + 1) == "RTMIN+") return kRealtimeMin + *distance;
  if (name.substr(0, sign + 1) == "RTMAX-") return kRealtimeMax - *distance;
  return 0;
}

}  // namespace

Result<int> parse_signal(std::string_view text) {
  if (text.empty()) return 15;
  if (const auto number = parse_integer<int>(text, 1, kRealtimeMax)) return *number;
  std::string name;
  for (const char c : text) name += (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  const std::string_view bare = name.starts_with("SIG") ? std::string_view(name).substr(3) : std::string_view(name);
  if (const int number = find_signal(bare); number != 0) return number;
  if (const int number = find_realtime(bare); number != 0) return number;
  return error(Kind::invalid, "'", text, "' is not a signal (write it as SIGTERM, TERM, 15 or SIGRTMIN+3)");
}

}  // namespace tank::oci
