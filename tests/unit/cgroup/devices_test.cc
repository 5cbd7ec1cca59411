// Device rules have one meaning, written down here a second time in the plainest way (`allowed`), and two translations.
// The program runs in a small interpreter, the lines in a model of the v1 controller; random rules must agree.

#include "cgroup/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <array>
#include <cstring>
#include <random>
#include <sstream>

namespace tank::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Request {
  char type;
  std::int64_t major;
  std::int64_t minor;
  std::string access;
};

bool allowed(const std::vector<oci::DeviceRule>& rules, const Request& request) {
  for (const char letter : request.access) {
    bool verdict = rules.empty();
    for (const oci::DeviceRule& rule : rules) {
      const bool matches =
          (rule.type == 'a' || rule.type == request.type) && rule.major.value_or(request.major) == request.major &&
          rule.minor.value_or(request.minor) == request.minor && rule.access.find(letter) != std::string::npos;
      if (matches) verdict = rule.allow;
    }
    if (!verdict) return false;
  }
  return true;
}

std::uint32_t mask(const std::string& access) {
  std::uint32_t bits = 0;
  for (const char letter : access) {
    bits |= letter == 'r' ? BPF_DEVCG_ACC_READ : letter == 'w' ? BPF_DEVCG_ACC_WRITE : BPF_DEVCG_ACC_MKNOD;
  }
  return bits;
}

/// One arithmetic instruction on 64 bits, or on 32 with the rest zeroed. False for those that we never write.
bool calculate(unsigned operation, bool is_word, std::uint64_t& to, std::uint64_t with) {
  switch (operation) {
    case BPF_MOV: to = with; break;
    case BPF_ADD: to += with; break;
    case BPF_AND: to &= with; break;
    case BPF_OR: to |= with; break;
    case BPF_XOR: to ^= with; break;
    case BPF_LSH: to <<= with; break;
    case BPF_RSH: to >>= with; break;
    case BPF_ARSH: to = static_cast<std::uint64_t>(static_cast<std::int64_t>(to) >> with); break;
    default: return false;
  }
  if (is_word) to &= 0xffffffff;
  return true;
}

/// Runs a program as the kernel would; −1 for anything the verifier would refuse.
int run(const std::vector<sys::bpf::Instruction>& program, const Request& request) {
  const std::uint32_t type = request.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
  const std::array<std::uint32_t, 3> context = {mask(request.access) << 16 | type,
                                                static_cast<std::uint32_t>(request.major),
                                                static_cast<std::uint32_t>(request.minor)};
  std::array<std::uint64_t, 6> registers{};
  bool has_context = true;
  for (const sys::bpf::Instruction instruction : program) {
    bpf_insn step{};
    std::memcpy(&step, &instruction, sizeof step);
    if (step.code == (BPF_JMP | BPF_EXIT)) return static_cast<int>(registers[0]);
    std::uint64_t& to = registers.at(step.dst_reg);
    if (step.code == (BPF_LDX | BPF_W | BPF_MEM)) {
      if (step.src_reg != 1 || !has_context || step.off % 4 != 0) return -1;
      to = context.at(static_cast<std::size_t>(step.off / 4));
      continue;
    }
    if (step.dst_reg == 1) has_context = false;
    const unsigned kind = BPF_CLASS(step.code);
    if (kind != BPF_ALU && kind != BPF_ALU64) return -1;
    const std::uint64_t with = BPF_SRC(step.code) == BPF_X
                                   ? registers.at(step.src_reg)
                                   : static_cast<std::uint64_t>(static_cast<std::int64_t>(step.imm));
    if (!calculate(BPF_OP(step.code), kind == BPF_ALU, to, with)) return -1;
  }
  return -1;
}

/// The v1 controller after these lines (security/device_cgroup.c): a default, and exceptions of which one must hold all
/// the accesses of a request when the default is to deny, and any of them when it is to allow.
bool controller_allows(const std::vector<DeviceLine>& lines, const Request& request) {
  bool allows = true;
  bool excepted = false;
  for (const DeviceLine& line : lines) {
    if (line.line == "a") {
      allows = line.file == "devices.allow";
      continue;
    }
    char type = 0;
    std::string numbers, access;
    std::istringstream(line.line) >> type >> numbers >> access;
    const std::string major = numbers.substr(0, numbers.find(':')), minor = numbers.substr(numbers.find(':') + 1);
    if (type != request.type || (major != "*" && major != std::to_string(request.major)) ||
        (minor != "*" && minor != std::to_string(request.minor))) {
      continue;
    }
    const std::uint32_t common = mask(access) & mask(request.access);
    excepted = excepted || (allows ? common != 0 : common == mask(request.access));
  }
  return allows != excepted;
}

const std::vector<Request>& every_request() {
  static const std::vector<Request> requests = [] {
    std::vector<Request> all;
    for (const char type : {'b', 'c'}) {
      for (const std::int64_t major : {0, 1, 2}) {
        for (const std::int64_t minor : {0, 1, 2}) {
          for (const auto* access : {"r", "w", "m", "rw"}) all.push_back({type, major, minor, access});
        }
      }
    }
    return all;
  }();
  return requests;
}

std::vector<oci::DeviceRule> random_rules(std::mt19937& random) {
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  const auto number = [&]() -> std::optional<std::int64_t> {
    const unsigned drawn = below(4);
    return drawn == 3 ? std::nullopt : std::optional<std::int64_t>(drawn);
  };
  constexpr const char* kAccesses[] = {"r", "w", "m", "rw", "rm", "wm", "rwm", "rwm", "mwr"};
  std::vector<oci::DeviceRule> rules(below(7));
  for (oci::DeviceRule& rule : rules) {
    rule.allow = below(2) == 0;
    rule.type = "abc"[below(3)];
    rule.major = number();
    rule.minor = number();
    rule.access = kAccesses[below(std::size(kAccesses))];
  }
  if (!rules.empty() && below(2) == 0) rules[0] = {.allow = below(2) == 0};
  return rules;
}

TEST(DeviceProgram, AgreesWithTheRulesWhateverTheyAre) {
  std::mt19937 random(20240229);
  for (int round = 0; round < 2000; ++round) {
    const std::vector<oci::DeviceRule> rules = random_rules(random);
    const std::vector<sys::bpf::Instruction> program = plan_device_program(rules);
    for (const Request& request : every_request()) {
      ASSERT_EQ(run(program, request), allowed(rules, request) ? 1 : 0) << "round " << round;
    }
  }
}

TEST(DeviceLines, AgreeWithTheRulesWhereverTheyCanBeSaid) {
  std::mt19937 random(20240301);
  int said = 0;
  for (int round = 0; round < 5000; ++round) {
    const std::vector<oci::DeviceRule> rules = random_rules(random);
    const Result<std::vector<DeviceLine>> lines = plan_device_lines(rules);
    if (!lines) {
      ASSERT_EQ(lines.error().kind(), Kind::unsupported);
      continue;
    }
    ++said;
    for (const Request& request : every_request()) {
      // Reading and writing at once is one request to the controller; two exceptions that cross each other (1:* r and
      // *:1 w) do not add up there. It then denies, which is the safe side.
      const bool expected = allowed(rules, request);
      const bool actual = controller_allows(*lines, request);
      ASSERT_TRUE(actual == expected || (!actual && request.access.size() > 1)) << "round " << round;
    }
  }
  EXPECT_GT(said, 2000);
}

TEST(DeviceProgram, AskingForNothingIsAllowed) {
  EXPECT_EQ(run(plan_device_program({{.allow = false}}), {'c', 1, 3, ""}), 1);
}

TEST(DeviceProgram, KeepsTheLargestNumbersApart) {
  const std::vector<oci::DeviceRule> rules = {{.allow = false},
                                              {.allow = true, .type = 'c', .major = 4095, .minor = 1048575},
                                              {.allow = true, .type = 'b', .major = 4095, .access = "r"},
                                              {.allow = true, .type = 'c', .minor = 1048575, .access = "r"}};
  const std::vector<sys::bpf::Instruction> program = plan_device_program(rules);
  for (const char type : {'b', 'c'}) {
    for (const std::int64_t major : {0, 1, 2047, 2048, 4094, 4095}) {
      for (const std::int64_t minor : {0, 1, 524288, 1048574, 1048575}) {
        for (const auto* access : {"r", "w"}) {
          const Request request{type, major, minor, access};
          EXPECT_EQ(run(program, request), allowed(rules, request) ? 1 : 0) << type << major << ":" << minor << access;
        }
      }
    }
  }
}

TEST(DeviceProgram, StopsAtARuleThatDecidesEverything) {
  const auto alone = plan_device_program({{.allow = false}});
  EXPECT_EQ(plan_device_program({{.allow = true, .type = 'c'}, {.allow = true}, {.allow = false}}), alone);
}

TEST(DeviceRules, ConfineUnlessEverythingIsAllowed) {
  EXPECT_FALSE(confines({}));
  EXPECT_FALSE(confines({{.allow = true}}));
  EXPECT_FALSE(confines({{.allow = false}, {.allow = true}}));
  EXPECT_FALSE(confines({{.allow = true}, {.allow = true, .type = 'c', .major = 1}}));
  EXPECT_TRUE(confines({{.allow = true}, {.allow = false, .type = 'c', .major = 1}}));
  EXPECT_TRUE(confines({{.allow = true, .type = 'c'}}));
  EXPECT_TRUE(confines({{.allow = true, .access = "rw"}}));
}

TEST(DeviceRules, AreCheckedBeforeAnythingIsMadeOfThem) {
  EXPECT_TRUE(check_device_rules({{.allow = true, .type = 'c', .major = 4095, .minor = 1048575, .access = "m"}}));
  const oci::DeviceRule wrong[] = {{.type = 'u'},     {.type = '\0'}, {.access = ""},  {.access = "rx"},
                                   {.access = "r w"}, {.major = -1},  {.major = 4096}, {.minor = 1048576}};
  for (const oci::DeviceRule& rule : wrong) {
    const Result<> checked = check_device_rules({rule});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind(), Kind::invalid);
  }
}

TEST(DeviceLines, SayTheUsualListAsItStands) {
  const auto lines = plan_device_lines({{.allow = false},
                                        {.allow = true, .type = 'c', .access = "m"},
                                        {.allow = true, .type = 'b', .access = "m"},
                                        {.allow = true, .type = 'c', .major = 1, .minor = 3},
                                        {.allow = true, .type = 'c', .major = 136}});
  ASSERT_TRUE(lines);
  EXPECT_THAT(*lines, ElementsAre(DeviceLine{"devices.deny", "a"}, DeviceLine{"devices.allow", "c *:* m"},
                                  DeviceLine{"devices.allow", "b *:* m"}, DeviceLine{"devices.allow", "c 1:3 rwm"},
                                  DeviceLine{"devices.allow", "c 136:* rwm"}));
}

TEST(DeviceLines, SplitTheTypeThatTheControllerWouldTakeForEverything) {
  const auto lines = plan_device_lines({{.allow = false}, {.allow = true, .type = 'a', .major = 1, .access = "r"}});
  ASSERT_TRUE(lines);
  EXPECT_THAT(*lines, ElementsAre(DeviceLine{"devices.deny", "a"}, DeviceLine{"devices.allow", "b 1:* r"},
                                  DeviceLine{"devices.allow", "c 1:* r"}));
}

TEST(DeviceLines, NameTheRuleThatCannotBeSaid) {
  const auto lines = plan_device_lines({{.allow = false},
                                        {.allow = true, .type = 'c', .major = 1},
                                        {.allow = false, .type = 'c', .major = 1, .minor = 5, .access = "w"}});
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error().kind(), Kind::unsupported);
  EXPECT_THAT(lines.error().sentence(), HasSubstr("'deny c 1:5 w'"));
}

}  // namespace
}  // namespace tank::cgroup
