// Runs while Tank is built: writes the table of system calls, by name, with their numbers on every architecture a
// filter of ours may speak of. libseccomp knows most of them; those newer than Debian 12's have one number everywhere
// and stand here.

#include <seccomp.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

namespace {

struct Architecture {
  std::uint32_t token;
  int first;  ///< where its numbers begin
};

constexpr int kX32Bit = 0x40000000;
constexpr std::array<Architecture, 5> kArchitectures{{
    {SCMP_ARCH_X86_64, 0},
    {SCMP_ARCH_X86, 0},
    {SCMP_ARCH_X32, kX32Bit},
    {SCMP_ARCH_AARCH64, 0},
    {SCMP_ARCH_ARM, 0},
}};
constexpr int kBeyondAll = 1024;
/// ARM's private calls (cacheflush, set_tls, …) stand at 0x0f0000.
constexpr int kArmPrivate = 0x0f0000;

struct Newer {
  const char* name;
  int number;
};
constexpr std::array<Newer, 20> kNewer{{
    {"set_mempolicy_home_node", 450},
    {"cachestat", 451},
    {"fchmodat2", 452},
    {"map_shadow_stack", 453},
    {"futex_wake", 454},
    {"futex_wait", 455},
    {"futex_requeue", 456},
    {"statmount", 457},
    {"listmount", 458},
    {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},
    {"mseal", 462},
    {"setxattrat", 463},
    {"getxattrat", 464},
    {"listxattrat", 465},
    {"removexattrat", 466},
    {"open_tree_attr", 467},
    {"file_getattr", 468},
    {"file_setattr", 469},
}};

using Numbers = std::array<int, kArchitectures.size()>;
using Table = std::map<std::string, Numbers>;

void note(Table& table, const std::string& name, std::size_t column, int number) {
  Numbers none;
  none.fill(-1);
  table.emplace(name, none).first->second[column] = number;
}

void collect(Table& table, std::size_t column, int first, int count) {
  for (int number = first; number < first + count; ++number) {
    char* name = seccomp_syscall_resolve_num_arch(kArchitectures[column].token, number);
    if (name != nullptr) note(table, name, column, number);
    std::free(name);
  }
}

void print_names(const Table& table) {
  std::puts("constexpr char kNames[] =");
  for (const auto& row : table) std::printf("    \"%s\"\n", row.first.c_str());
  std::printf("    ;\nconstexpr std::array<Row, %zu> kRows{{\n", table.size());
  std::size_t offset = 0;
  for (const auto& [name, numbers] : table) {
    std::printf("    {%zu, %zu, {", offset, name.size());
    for (const int number : numbers) std::printf("%d, ", number);
    std::puts("}},");
    offset += name.size();
  }
  std::puts("}};");
}

/// The numbers of each architecture, sorted, in one row after another; and where each begins.
void print_known(const Table& table) {
  std::string starts;
  std::size_t count = 0;
  std::puts("constexpr std::uint32_t kKnown[] = {");
  for (std::size_t column = 0; column < kArchitectures.size(); ++column) {
    starts += std::to_string(count) + ", ";
    std::set<int> known;
    for (const auto& row : table) known.insert(row.second[column]);
    known.erase(-1);
    for (const int number : known) std::printf("%d, ", number);
    count += known.size();
  }
  std::printf("};\nconstexpr std::array<std::size_t, %zu> kStarts{%s%zu};\n", kArchitectures.size() + 1, starts.c_str(),
              count);
}

}  // namespace

int main() {
  Table table;
  for (std::size_t column = 0; column < kArchitectures.size(); ++column) {
    const auto& [token, first] = kArchitectures[column];
    collect(table, column, first, kBeyondAll);
    if (token == SCMP_ARCH_ARM) collect(table, column, kArmPrivate, 16);
    for (const Newer& call : kNewer) note(table, call.name, column, first + call.number);
  }
  print_names(table);
  print_known(table);
  return std::ferror(stdout) != 0 ? 1 : 0;
}
