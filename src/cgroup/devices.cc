#include "cgroup/devices.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace tank::cgroup {

namespace {

namespace bpf = sys::bpf;
using bpf::Instruction;
using bpf::Register;

constexpr std::int64_t kMostNumber = 2147483647;
constexpr std::int32_t kEveryAccess = bpf::kRead | bpf::kWrite | bpf::kMknod;

std::int32_t access_mask(std::string_view letters) {
  std::int32_t mask = 0;
  for (const char letter : letters) {
    mask |= letter == 'r' ? bpf::kRead : letter == 'w' ? bpf::kWrite : letter == 'm' ? bpf::kMknod : 0;
  }
  return mask;
}

std::string access_letters(std::int32_t mask) {
  std::string letters;
  if ((mask & bpf::kRead) != 0) letters += 'r';
  if ((mask & bpf::kWrite) != 0) letters += 'w';
  if ((mask & bpf::kMknod) != 0) letters += 'm';
  return letters;
}

bool matches_all(const oci::DeviceRule& rule) {
  return rule.type == 'a' && !rule.major && !rule.minor && access_mask(rule.access) == kEveryAccess;
}

std::string number_text(const std::optional<std::int64_t>& number) { return number ? std::to_string(*number) : "*"; }

std::string to_text(const oci::DeviceRule& rule) {
  return concat(rule.allow ? "allow " : "deny ", rule.type, " ", number_text(rule.major), ":", number_text(rule.minor),
                " ", rule.access);
}

void append(std::vector<Instruction>& program, std::initializer_list<Instruction> more) {
  program.insert(program.end(), more.begin(), more.end());
}

// What the registers hold throughout a program.
constexpr Register kAsked = Register::r2;  // the kinds of access asked for that no rule has decided yet
constexpr Register kType = Register::r3;
constexpr Register kMajor = Register::r4;
constexpr Register kMinor = Register::r5;

std::vector<Instruction> answer(std::int32_t allowed) { return {bpf::set(Register::r0, allowed), bpf::exit()}; }

/// What a rule does to a device that it matches. The jumps that leave it land just behind it.
std::vector<Instruction> decide(const oci::DeviceRule& rule) {
  const std::int32_t mask = access_mask(rule.access);
  std::vector<Instruction> out;
  if (!rule.allow) {
    if (mask != kEveryAccess) append(out, {bpf::jump_if_any_bit(kAsked, mask, 1), bpf::jump(2)});
    append(out, {bpf::set(Register::r0, 0), bpf::exit()});
    return out;
  }
  if (mask != kEveryAccess) append(out, {bpf::bit_and(kAsked, ~mask), bpf::jump_if_not_equal(kAsked, 0, 2)});
  append(out, {bpf::set(Register::r0, 1), bpf::exit()});
  return out;
}

void append_rule(std::vector<Instruction>& program, const oci::DeviceRule& rule) {
  struct Test {
    Register actual;
    std::int32_t wanted;
  };
  std::vector<Test> tests;
  if (rule.type != 'a') tests.push_back({kType, rule.type == 'b' ? bpf::kBlock : bpf::kCharacter});
  if (rule.major) tests.push_back({kMajor, static_cast<std::int32_t>(*rule.major)});
  if (rule.minor) tests.push_back({kMinor, static_cast<std::int32_t>(*rule.minor)});
  const std::vector<Instruction> decision = decide(rule);
  std::size_t behind = tests.size() + decision.size();
  for (const Test& test : tests) {
    program.push_back(bpf::jump_if_not_equal(test.actual, test.wanted, static_cast<std::int16_t>(--behind)));
  }
  program.insert(program.end(), decision.begin(), decision.end());
}

/// An exception to the default of a v1 devices cgroup. The kernel keeps one per device and type, its accesses merged.
struct Exception {
  char type = 'c';
  std::optional<std::int64_t> major;
  std::optional<std::int64_t> minor;
  std::int32_t access = 0;
};

bool number_covers(const std::optional<std::int64_t>& wide, const std::optional<std::int64_t>& narrow) {
  return !wide || wide == narrow;
}
bool device_covers(const Exception& wide, const Exception& narrow) {
  return wide.type == narrow.type && number_covers(wide.major, narrow.major) && number_covers(wide.minor, narrow.minor);
}
bool device_overlaps(const Exception& one, const Exception& other) {
  const auto meet = [](const auto& left, const auto& right) { return !left || !right || left == right; };
  return one.type == other.type && meet(one.major, other.major) && meet(one.minor, other.minor);
}

void add_exception(std::vector<Exception>& exceptions, const Exception& added) {
  for (Exception& there : exceptions) {
    if (device_covers(there, added) && device_covers(added, there)) {
      there.access |= added.access;
      return;
    }
  }
  exceptions.push_back(added);
}

/// False when the remainder cannot be said as a list of exceptions.
bool remove_exception(std::vector<Exception>& exceptions, const Exception& removed) {
  for (Exception& there : exceptions) {
    if (!device_overlaps(there, removed) || (there.access & removed.access) == 0) continue;
    if (!device_covers(removed, there)) return false;
    there.access &= ~removed.access;
  }
  std::erase_if(exceptions, [](const Exception& there) { return there.access == 0; });
  return true;
}

/// The kernel looks for one exception that holds every access of a request; ours may be spread over two that both
/// match.
void spread_access(std::vector<Exception>& exceptions) {
  for (Exception& narrow : exceptions) {
    for (const Exception& wide : exceptions) {
      if (device_covers(wide, narrow)) narrow.access |= wide.access;
    }
  }
}

std::string to_text(const Exception& exception) {
  return concat(exception.type, " ", number_text(exception.major), ":", number_text(exception.minor), " ",
                access_letters(exception.access));
}

}  // namespace

Result<> check_device_rules(const std::vector<oci::DeviceRule>& rules) {
  const auto is_number = [](const std::optional<std::int64_t>& number) {
    return !number || (*number >= 0 && *number <= kMostNumber);
  };
  for (const oci::DeviceRule& rule : rules) {
    const auto wrong = [&](std::string_view why) {
      return error(Kind::invalid, "device rule '", to_text(rule), "': ", why);
    };
    if (rule.type != 'a' && rule.type != 'b' && rule.type != 'c') return wrong("the type is none of a, b, c");
    if (rule.access.empty() || rule.access.find_first_not_of("rwm") != std::string::npos) {
      return wrong("the access is not made of r, w, m");
    }
    if (!is_number(rule.major) || !is_number(rule.minor)) return wrong("a device number is out of range");
  }
  return {};
}

bool confines(const std::vector<oci::DeviceRule>& rules) {
  if (rules.empty()) return false;
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    if (!rule->allow) return true;
    if (matches_all(*rule)) return false;
  }
  return true;
}

std::vector<Instruction> plan_device_program(const std::vector<oci::DeviceRule>& rules) {
  std::vector<Instruction> program = {
      bpf::load_word(kAsked, Register::r1, bpf::kAccessAndType),
      bpf::copy(kType, kAsked),
      bpf::bit_and(kType, 0xffff),
      bpf::shift_right(kAsked, 16),
      bpf::load_word(kMajor, Register::r1, bpf::kMajor),
      bpf::load_word(kMinor, Register::r1, bpf::kMinor),
      // Nothing is asked for by access(2) with X_OK, say.
      bpf::jump_if_not_equal(kAsked, 0, 2),
      bpf::set(Register::r0, 1),
      bpf::exit(),
  };
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    append_rule(program, *rule);
    // Nothing gets past this rule, and the verifier refuses instructions that nothing reaches.
    if (matches_all(*rule)) return program;
  }
  const std::vector<Instruction> otherwise = answer(rules.empty() ? 1 : 0);
  program.insert(program.end(), otherwise.begin(), otherwise.end());
  return program;
}

Result<std::vector<DeviceLine>> plan_device_lines(const std::vector<oci::DeviceRule>& rules) {
  bool allows_by_default = rules.empty();
  std::vector<Exception> exceptions;
  for (const oci::DeviceRule& rule : rules) {
    if (matches_all(rule)) {
      allows_by_default = rule.allow;
      exceptions.clear();
      continue;
    }
    // To the controller a line of type 'a' means every device and every access, whatever follows it.
    for (const char type : std::string_view(rule.type == 'a' ? "bc" : rule.type == 'b' ? "b" : "c")) {
      const Exception exception{type, rule.major, rule.minor, access_mask(rule.access)};
      if (rule.allow != allows_by_default) {
        add_exception(exceptions, exception);
      } else if (!remove_exception(exceptions, exception)) {
        return error(Kind::unsupported, "device rule '", to_text(rule),
                     "': it takes back a part of an earlier rule, which the v1 devices controller cannot express");
      }
    }
  }
  spread_access(exceptions);
  std::vector<DeviceLine> lines;
  lines.push_back({allows_by_default ? "devices.allow" : "devices.deny", "a"});
  for (const Exception& exception : exceptions) {
    lines.push_back({allows_by_default ? "devices.deny" : "devices.allow", to_text(exception)});
  }
  return lines;
}

}  // namespace tank::cgroup
