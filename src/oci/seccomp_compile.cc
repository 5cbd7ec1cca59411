// From a filter as data to the program the kernel runs.
//
// An architecture's numbers are cut into segments that share one answer; a balanced tree of comparisons finds the
// segment. Jumps reach 255 instructions: as much of a tree as fits shares its returns, larger ones are halved.

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>

#include "oci/bpf.h"
#include "oci/seccomp.h"
#include "oci/syscall_table.h"

namespace tank::oci {

namespace {

using bpf::Instruction;
using Code = std::vector<Instruction>;

enum class Width : std::uint8_t { narrow, wide };  ///< of an argument: 32 or 64 bits

void append(Code& code, const Code& more) { code.insert(code.end(), more.begin(), more.end()); }

Code returning(std::uint32_t action) { return {{bpf::kReturn, 0, 0, action}}; }

Result<std::uint32_t> action_value(const std::string& name, std::optional<unsigned> errno_ret) {
  const unsigned number = errno_ret.value_or(EPERM);
  if (name == "SCMP_ACT_ALLOW") return bpf::kAllow;
  if (name == "SCMP_ACT_LOG") return bpf::kLog;
  if (name == "SCMP_ACT_TRAP") return bpf::kTrap;
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return bpf::kKillThread;
  if (name == "SCMP_ACT_KILL_PROCESS") return bpf::kKillProcess;
  if (name == "SCMP_ACT_ERRNO" && number <= bpf::kMostErrno) return bpf::kErrno | number;
  if (name == "SCMP_ACT_ERRNO") return error(Kind::invalid, "seccomp: errno ", number, " is out of range");
  return error(Kind::invalid, "seccomp: unknown or unsupported action '", name, "'");
}

// --- one condition -------------------------------------------------------------------------------------------------

/// Where a comparison goes on, until the size of the code around it is known.
enum class To : std::uint8_t { next, hold, fail };

struct Step {
  std::uint16_t code;
  std::uint32_t operand;
  To if_true = To::next;
  To if_false = To::next;
};

struct Words {
  std::uint32_t high;
  std::uint32_t low;
};

Words words_of(std::uint64_t value) {
  return {static_cast<std::uint32_t>(value >> 32U), static_cast<std::uint32_t>(value)};
}

using Steps = std::vector<Step>;

Steps masked_equal(const SeccompArg& arg, Width width) {
  const Words mask = words_of(arg.value);
  const Words wanted = words_of(arg.value_two & arg.value);
  Steps out;
  if (width == Width::wide) {
    out = {{bpf::kLoadWord, bpf::high_word_of_argument(arg.index)},
           {bpf::kAnd, mask.high},
           {bpf::kJumpEqual, wanted.high, To::next, To::fail}};
  }
  out.push_back({bpf::kLoadWord, bpf::low_word_of_argument(arg.index)});
  out.push_back({bpf::kAnd, mask.low});
  out.push_back({bpf::kJumpEqual, wanted.low, To::hold, To::fail});
  return out;
}

/// An order or equality, decided by the high word unless that is equal, then by the low one.
Steps compared(const SeccompArg& arg, Width width, std::uint16_t low_jump, To greater, To smaller, To low_true,
               To low_false) {
  const Words value = words_of(arg.value);
  Steps out;
  if (width == Width::wide) {
    out.push_back({bpf::kLoadWord, bpf::high_word_of_argument(arg.index)});
    if (greater != smaller) out.push_back({bpf::kJumpGreater, value.high, greater, To::next});
    out.push_back({bpf::kJumpEqual, value.high, To::next, smaller});
  }
  out.push_back({bpf::kLoadWord, bpf::low_word_of_argument(arg.index)});
  out.push_back({low_jump, value.low, low_true, low_false});
  return out;
}

Result<Steps> condition(const SeccompArg& arg, Width width) {
  constexpr To hold = To::hold;
  constexpr To fail = To::fail;
  if (arg.index >= bpf::kArguments) return error(Kind::invalid, "seccomp: argument ", arg.index, " does not exist");
  if (arg.op == "SCMP_CMP_EQ") return compared(arg, width, bpf::kJumpEqual, fail, fail, hold, fail);
  if (arg.op == "SCMP_CMP_NE") return compared(arg, width, bpf::kJumpEqual, hold, hold, fail, hold);
  if (arg.op == "SCMP_CMP_GT") return compared(arg, width, bpf::kJumpGreater, hold, fail, hold, fail);
  if (arg.op == "SCMP_CMP_GE") return compared(arg, width, bpf::kJumpAtLeast, hold, fail, hold, fail);
  if (arg.op == "SCMP_CMP_LT") return compared(arg, width, bpf::kJumpAtLeast, fail, hold, fail, hold);
  if (arg.op == "SCMP_CMP_LE") return compared(arg, width, bpf::kJumpGreater, fail, hold, fail, hold);
  if (arg.op == "SCMP_CMP_MASKED_EQ") return masked_equal(arg, width);
  return error(Kind::invalid, "seccomp: unknown comparison '", arg.op, "'");
}

/// The steps with their jumps counted out: `hold` lies right behind them, `fail` another `to_fail` further.
Code placed(const Steps& steps, std::size_t to_fail) {
  Code out;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::size_t behind = steps.size() - i - 1;
    const auto distance = [&](To to) {
      if (to == To::next) return std::uint8_t{0};
      return static_cast<std::uint8_t>(to == To::hold ? behind : behind + to_fail);
    };
    const bool jumps = steps[i].code != bpf::kLoadWord && steps[i].code != bpf::kAnd;
    out.push_back({steps[i].code, jumps ? distance(steps[i].if_true) : std::uint8_t{0},
                   jumps ? distance(steps[i].if_false) : std::uint8_t{0}, steps[i].operand});
  }
  return out;
}

// --- one system call -----------------------------------------------------------------------------------------------

/// Conditions that must all hold, and what happens then.
struct Alternative {
  std::vector<SeccompArg> all_of;
  std::uint32_t action;
};

/// A number's rules: the unconditional one, or the conditional ones in order.
struct Call {
  std::uint32_t number = 0;
  std::optional<std::uint32_t> always;
  std::vector<Alternative> alternatives;
};

/// Put together from the last condition to the first, so that the way to failure is known: at most six conditions of at
/// most six steps fit a jump's eight bits.
Result<Code> alternative_code(const Alternative& alternative, Width width) {
  Code out = returning(alternative.action);
  for (auto arg = alternative.all_of.rbegin(); arg != alternative.all_of.rend(); ++arg) {
    const Steps steps = TRY(condition(*arg, width));
    Code code = placed(steps, out.size());
    append(code, out);
    out = std::move(code);
  }
  return out;
}

Result<Code> alternatives_code(const Call& call, std::uint32_t otherwise, Width width) {
  Code out;
  for (const Alternative& alternative : call.alternatives) {
    const Code code = TRY(alternative_code(alternative, width));
    append(out, code);
  }
  append(out, returning(otherwise));
  return out;
}

/// libseccomp cannot hold two conditions on one argument in a rule, and runtimes have always taken such a rule as one
/// rule for each condition; profiles rely on it.
std::vector<Alternative> alternatives_of(const SeccompRule& rule, std::uint32_t action) {
  unsigned seen = 0;
  bool repeated = false;
  for (const SeccompArg& arg : rule.args) {
    const unsigned bit = 1U << std::min(arg.index, bpf::kArguments);
    repeated = repeated || (seen & bit) != 0;
    seen |= bit;
  }
  if (!repeated) return {{rule.args, action}};
  std::vector<Alternative> out;
  for (const SeccompArg& arg : rule.args) out.push_back({{arg}, action});
  return out;
}

/// A rule with its names and action already looked up; those of the default action say nothing and are left out.
struct Rule {
  const SeccompRule* source;
  std::uint32_t action;
  std::vector<Syscall> calls;
};

Result<std::vector<Rule>> looked_up(const Seccomp& source, std::uint32_t otherwise) {
  std::vector<Rule> out;
  for (const SeccompRule& rule : source.rules) {
    const std::uint32_t action = TRY(action_value(rule.action, rule.errno_ret));
    if (action == otherwise) continue;
    out.push_back({&rule, action, {}});
    for (const std::string& name : rule.names) {
      if (const auto call = find_syscall(name)) out.back().calls.push_back(*call);
    }
  }
  return out;
}

struct Mention {
  std::uint32_t number;
  const Rule* rule;
};

/// Every rule's calls on this architecture, by number; the rules of one number stay in order.
std::vector<Mention> mentions_of(const std::vector<Rule>& rules, Abi abi) {
  std::vector<Mention> out;
  for (const Rule& rule : rules) {
    for (const Syscall& call : rule.calls) {
      if (const auto number = call.number(abi)) out.push_back({*number, &rule});
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const Mention& a, const Mention& b) { return a.number < b.number; });
  return out;
}

/// Sorted, one entry for each number.
Result<std::vector<Call>> calls_of(const std::vector<Rule>& rules, Abi abi) {
  const std::vector<Mention> mentions = mentions_of(rules, abi);
  std::vector<Call> out;
  out.reserve(mentions.size());
  for (const auto& [number, rule] : mentions) {
    if (out.empty() || out.back().number != number) out.push_back({number, std::nullopt, {}});
    Call& call = out.back();
    if (!rule->source->args.empty()) {
      std::vector<Alternative> more = alternatives_of(*rule->source, rule->action);
      std::move(more.begin(), more.end(), std::back_inserter(call.alternatives));
      continue;
    }
    if (call.always && *call.always != rule->action) {
      return error(Kind::invalid, "seccomp: two rules contradict each other on system call ", number);
    }
    call.always = rule->action;
  }
  return out;
}

// --- one architecture ----------------------------------------------------------------------------------------------

/// What a segment's numbers are answered with: plainly an action, or what `code` works out.
struct Answer {
  std::uint32_t action = 0;
  Code code;
  bool operator==(const Answer&) const = default;
  bool is_plain() const { return code.empty(); }
};

struct Segment {
  std::uint32_t first;
  Answer answer;
};

class Segments {
 public:
  /// From here on, until the next.
  void add(std::uint64_t first, const Answer& answer) {
    if (!list_.empty() && list_.back().answer == answer) return;
    list_.push_back({static_cast<std::uint32_t>(first), answer});
  }
  Code tree() const { return tree(0, list_.size()); }

 private:
  /// A jump to a return that is shared, and placed last.
  struct Shared {
    std::size_t from;
    std::uint8_t Instruction::*way;
    std::uint32_t action;
  };

  bool is_plain(std::size_t from, std::size_t to) const { return to - from == 1 && list_[from].answer.is_plain(); }

  Code tree(std::size_t from, std::size_t to) const {
    if (is_plain(from, to)) return returning(list_[from].answer.action);
    Code out;
    std::vector<Shared> shared;
    compare(from, to, out, shared);
    if (add_returns(out, shared)) return out;
    return halves(from, to);
  }

  void compare(std::size_t from, std::size_t to, Code& out, std::vector<Shared>& shared) const {
    if (to - from == 1) return append(out, list_[from].answer.code);
    const std::size_t middle = from + (to - from) / 2;
    const std::size_t here = out.size();
    out.push_back({bpf::kJumpAtLeast, 0, 0, list_[middle].first});
    if (is_plain(from, middle)) {
      shared.push_back({here, &Instruction::if_false, list_[from].answer.action});
    } else {
      compare(from, middle, out, shared);
    }
    if (is_plain(middle, to)) {
      shared.push_back({here, &Instruction::if_true, list_[middle].answer.action});
    } else {
      // Too far for eight bits only when the whole is, and that is found out by add_returns.
      out[here].if_true = static_cast<std::uint8_t>(out.size() - here - 1);
      compare(middle, to, out, shared);
    }
  }

  /// False when the code is too long for its jumps.
  static bool add_returns(Code& out, const std::vector<Shared>& shared) {
    std::map<std::uint32_t, std::size_t> places;
    for (const Shared& jump : shared) {
      const auto [place, added] = places.emplace(jump.action, out.size());
      if (added) append(out, returning(jump.action));
      out[jump.from].*jump.way = static_cast<std::uint8_t>(place->second - jump.from - 1);
    }
    return out.size() <= UINT8_MAX;
  }

  Code halves(std::size_t from, std::size_t to) const {
    const std::size_t middle = from + (to - from) / 2;
    if (middle == from) return list_[from].answer.code;
    const Code left = tree(from, middle);
    Code out{{bpf::kJumpAtLeast, 0, 1, list_[middle].first},
             {bpf::kJump, 0, 0, static_cast<std::uint32_t>(left.size())}};
    append(out, left);
    append(out, tree(middle, to));
    return out;
  }

  std::vector<Segment> list_;
};

struct Filter {
  const std::vector<std::string>& architectures;
  std::vector<Rule> rules;
  std::uint32_t otherwise;  ///< the default action
  std::uint32_t newer;      ///< for numbers we do not know
};

Result<Answer> answer_of(const Call& call, std::uint32_t otherwise, Width width) {
  if (call.always) return Answer{*call.always, {}};
  Answer out;
  out.code = TRY(alternatives_code(call, otherwise, width));
  return out;
}

Result<> add_segments(Segments& segments, const Filter& filter, Abi abi, Width width, std::uint32_t first) {
  const std::vector<Call> calls = TRY(calls_of(filter.rules, abi));
  const Answer newer{filter.newer, {}};
  const Answer otherwise{filter.otherwise, {}};
  auto call = calls.begin();
  std::uint64_t next = first;
  for (const std::uint32_t number : known_syscalls(abi)) {
    if (number > next) segments.add(next, newer);
    next = std::uint64_t{number} + 1;
    if (call == calls.end() || call->number != number) {
      segments.add(number, otherwise);
      continue;
    }
    const Answer answer = TRY(answer_of(*call++, filter.otherwise, width));
    segments.add(number, answer);
  }
  segments.add(next, newer);
  return {};
}

struct Machine {
  const char* name;
  std::uint32_t audit;
  Abi abi;
  Width width;
};

constexpr std::array<Machine, 4> kMachines{{
    {"SCMP_ARCH_X86_64", bpf::kX86_64, Abi::x86_64, Width::wide},
    {"SCMP_ARCH_X86", bpf::kX86, Abi::x86, Width::narrow},
    {"SCMP_ARCH_AARCH64", bpf::kAarch64, Abi::aarch64, Width::wide},
    {"SCMP_ARCH_ARM", bpf::kArm, Abi::arm, Width::narrow},
}};
constexpr const char* kX32 = "SCMP_ARCH_X32";

bool has(const std::vector<std::string>& list, const char* wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

Result<Code> machine_code(const Filter& filter, const Machine& machine) {
  Segments segments;
  TRY(add_segments(segments, filter, machine.abi, machine.width, 0));
  if (machine.abi == Abi::x86_64) {
    if (has(filter.architectures, kX32)) {
      TRY(add_segments(segments, filter, Abi::x32, Width::wide, bpf::kX32Bit));
    } else {
      segments.add(bpf::kX32Bit, Answer{bpf::kKillProcess, {}});
    }
    // A tracer skips a call by making its number −1.
    segments.add(UINT32_MAX, Answer{filter.otherwise, {}});
  }
  return segments.tree();
}

Result<> check_architectures(const std::vector<std::string>& names) {
  if (names.empty()) return error(Kind::invalid, "seccomp: no architecture named");
  for (const std::string& name : names) {
    const auto same = [&](const Machine& machine) { return name == machine.name; };
    if (name == kX32 ? !has(names, "SCMP_ARCH_X86_64") : std::none_of(kMachines.begin(), kMachines.end(), same)) {
      return error(Kind::invalid, "seccomp: architecture '", name, "' is not known here");
    }
  }
  return {};
}

Result<Code> program(const Filter& filter) {
  Code out{{bpf::kLoadWord, 0, 0, bpf::kArchitectureOffset}};
  for (const Machine& machine : kMachines) {
    if (!has(filter.architectures, machine.name)) continue;
    const Code code = TRY(machine_code(filter, machine));
    out.push_back({bpf::kJumpEqual, 1, 0, machine.audit});
    out.push_back({bpf::kJump, 0, 0, static_cast<std::uint32_t>(code.size() + 1)});
    out.push_back({bpf::kLoadWord, 0, 0, bpf::kNumberOffset});
    append(out, code);
  }
  append(out, returning(bpf::kKillProcess));
  return out;
}

}  // namespace

Result<std::vector<std::uint8_t>> compile_seccomp(const Seccomp& seccomp) {
  TRY(check_architectures(seccomp.architectures));
  const std::uint32_t otherwise = TRY(action_value(seccomp.default_action, seccomp.default_errno_ret));
  const bool fails = (otherwise & bpf::kActionMask) == bpf::kErrno;
  std::vector<Rule> rules = TRY(looked_up(seccomp, otherwise));
  const Filter filter{seccomp.architectures, std::move(rules), otherwise,
                      fails ? bpf::kErrno | std::uint32_t{ENOSYS} : otherwise};
  const Code code = TRY(program(filter));
  if (code.size() > bpf::kMostInstructions) {
    return error(Kind::invalid, "seccomp: the filter takes ", code.size(), " instructions; the kernel takes at most ",
                 bpf::kMostInstructions);
  }
  std::vector<std::uint8_t> out(code.size() * sizeof(Instruction));
  std::memcpy(out.data(), code.data(), out.size());
  return out;
}

}  // namespace tank::oci
