#include "cgroup/devices.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace tank::cgroup {

namespace {

namespace bpf = sys::bpf;
using bpf::Instruction;
using bpf::Operation;
using bpf::Register;
using bpf::Width;

// The kernel numbers devices in 12 and 20 bits.
constexpr std::int64_t kMostMajor = 0xfff;
constexpr std::int64_t kMostMinor = 0xfffff;
constexpr std::int32_t kMinorBits = 20;
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

// The program has no jumps: the verifier walks every way through a program, and at two or three branches a rule it took
// 330 microseconds for a container's usual list; in a straight line it takes less than a third of that. So every rule
// computes all ones when it matches and 0 when not, and lets its accesses through that mask. What the registers hold
// meanwhile:
constexpr Register kAllowed = Register::r0;      // the kinds of access allowed by the rules so far
constexpr Register kMatch = Register::r1;        // scratch
constexpr Register kAsked = Register::r2;        // the kinds of access asked for
constexpr Register kIsBlock = Register::r3;      // all ones for a block device, else 0
constexpr Register kNumber = Register::r4;       // major << 20 | minor
constexpr Register kIsCharacter = Register::r5;  // the opposite of kIsBlock

void append_start(std::vector<Instruction>& program, std::int32_t allowed) {
  static_assert(bpf::kBlock >> 1 == 0 && bpf::kCharacter >> 1 == 1);
  append(program, {
                      bpf::load_word(kAsked, Register::r1, bpf::kAccessAndType),
                      bpf::compute(kIsBlock, Operation::copy, kAsked),
                      bpf::compute(kAsked, Operation::shift_right, 16),
                      bpf::compute(kIsBlock, Operation::bit_and, 0xffff),
                      bpf::compute(kIsBlock, Operation::shift_right, 1),
                      bpf::compute(kIsBlock, Operation::add, -1),
                      bpf::load_word(kNumber, Register::r1, bpf::kMajor),
                      bpf::load_word(Register::r5, Register::r1, bpf::kMinor),
                      bpf::compute(kNumber, Operation::shift_left, kMinorBits, Width::word),
                      bpf::compute(kNumber, Operation::bit_or, Register::r5),
                      bpf::compute(kIsCharacter, Operation::copy, kIsBlock),
                      bpf::compute(kIsCharacter, Operation::bit_xor, -1),
                      bpf::compute(kAllowed, Operation::copy, allowed),
                  });
}

std::int32_t as_word(std::int64_t major, std::int64_t minor) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(major << kMinorBits | minor));
}

/// kMatch = all ones where the rule matches the device. Less one, a difference of 0 is the only negative number.
void append_match(std::vector<Instruction>& program, const oci::DeviceRule& rule) {
  if (!rule.major && !rule.minor) {
    append(program, {bpf::compute(kMatch, Operation::copy, -1)});
  } else {
    append(program, {bpf::compute(kMatch, Operation::copy, kNumber)});
    if (!rule.major || !rule.minor) {
      const std::int32_t compared = rule.major ? as_word(kMostMajor, 0) : as_word(0, kMostMinor);
      append(program, {bpf::compute(kMatch, Operation::bit_and, compared, Width::word)});
    }
    append(
        program,
        {bpf::compute(kMatch, Operation::bit_xor, as_word(rule.major.value_or(0), rule.minor.value_or(0)), Width::word),
         bpf::compute(kMatch, Operation::add, -1), bpf::compute(kMatch, Operation::signed_shift_right, 63)});
  }
  if (rule.type != 'a') {
    append(program, {bpf::compute(kMatch, Operation::bit_and, rule.type == 'b' ? kIsBlock : kIsCharacter)});
  }
}

void append_rule(std::vector<Instruction>& program, const oci::DeviceRule& rule) {
  append_match(program, rule);
  append(program, {bpf::compute(kMatch, Operation::bit_and, access_mask(rule.access))});
  if (rule.allow) {
    append(program, {bpf::compute(kAllowed, Operation::bit_or, kMatch)});
  } else {
    append(program, {bpf::compute(kMatch, Operation::bit_xor, -1), bpf::compute(kAllowed, Operation::bit_and, kMatch)});
  }
}

/// 1 when nothing is asked for that is not allowed: nothing, less one, has its uppermost bit set.
void append_answer(std::vector<Instruction>& program) {
  append(program,
         {bpf::compute(kAllowed, Operation::bit_xor, -1), bpf::compute(kAllowed, Operation::bit_and, kAsked),
          bpf::compute(kAllowed, Operation::add, -1), bpf::compute(kAllowed, Operation::shift_right, 63), bpf::exit()});
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
  const auto is_number = [](const std::optional<std::int64_t>& number, std::int64_t most) {
    return !number || (*number >= 0 && *number <= most);
  };
  for (const oci::DeviceRule& rule : rules) {
    const auto wrong = [&](std::string_view why) {
      return error(Kind::invalid, "device rule '", to_text(rule), "': ", why);
    };
    if (rule.type != 'a' && rule.type != 'b' && rule.type != 'c') return wrong("the type is none of a, b, c");
    if (rule.access.empty() || rule.access.find_first_not_of("rwm") != std::string::npos) {
      return wrong("the access is not made of r, w, m");
    }
    if (!is_number(rule.major, kMostMajor)) return wrong("the major number is not 0 to 4095");
    if (!is_number(rule.minor, kMostMinor)) return wrong("the minor number is not 0 to 1048575");
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
  // A rule that decides everything makes those before it void.
  const auto decisive = std::find_if(rules.rbegin(), rules.rend(), matches_all);
  const bool allows_first = rules.empty() || (decisive != rules.rend() && decisive->allow);
  std::vector<Instruction> program;
  append_start(program, allows_first ? kEveryAccess : 0);
  for (auto rule = decisive.base(); rule != rules.end(); ++rule) append_rule(program, *rule);
  append_answer(program);
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
