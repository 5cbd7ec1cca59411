#include "cgroup/observe.h"

#include <algorithm>
#include <string_view>

#include "base/parse.h"
#include "cgroup/plan.h"
#include "sys/bpf.h"
#include "sys/cgroup.h"
#include "sys/file.h"

namespace tank::cgroup {

namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;

// v1 writes "unlimited" as the largest number of bytes that is a multiple of the page size.
constexpr std::int64_t kUnlimitedBytes = 0x7ffffffffff00000;

/// One cgroup directory as a place to read files from. A file that is not there reads as nothing.
class Directory {
 public:
  explicit Directory(sys::DirFd fd) : fd_(std::move(fd)) {}

  const sys::DirFd& fd() const { return fd_; }

  std::string text(const std::string& file) const {
    const Result<sys::Fd> open = sys::open_at(fd_, file, 0);
    if (!open) return {};
    Result<std::string> content = sys::read_all(*open, 65536);
    if (!content) return {};
    while (!content->empty() && content->back() == '\n') content->pop_back();
    return *std::move(content);
  }

  std::optional<std::uint64_t> number(const std::string& file) const {
    return parse_integer<std::uint64_t>(text(file));
  }

  std::optional<Bytes> bytes(const std::string& file) const {
    const auto count = parse_integer<std::int64_t>(text(file), 0, kUnlimitedBytes - 1);
    return count ? std::optional(Bytes{*count}) : std::nullopt;
  }

  /// The value of a line "key value".
  std::optional<std::uint64_t> value(const std::string& file, std::string_view key) const {
    const std::string content = text(file);
    std::string_view rest = content;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ') {
        return parse_integer<std::uint64_t>(line.substr(key.size() + 1));
      }
    }
    return std::nullopt;
  }

 private:
  sys::DirFd fd_;
};

std::optional<microseconds> to_microseconds(const std::optional<std::uint64_t>& count) {
  return count ? std::optional(microseconds(*count)) : std::nullopt;
}

/// The leaf's directories: in the unified hierarchy and in that of a v1 controller, as far as they exist.
class Places {
 public:
  Places(const Layout& layout, const std::string& uid, const std::string& container)
      : layout_(layout), below_(fs::path(layout.parent) / directory_name(uid) / directory_name(container)) {}

  Result<std::optional<Directory>> unified() const { return open(layout_.unified); }
  Result<std::optional<Directory>> v1(const std::string& controller) const {
    const auto found = layout_.v1.find(controller);
    return open(found == layout_.v1.end() ? fs::path() : found->second);
  }

 private:
  Result<std::optional<Directory>> open(const fs::path& mount) const {
    if (mount.empty()) return std::optional<Directory>();
    Result<sys::DirFd> fd = sys::open_dir(mount / below_);
    if (!fd && fd.error().kind() == Kind::not_found) return std::optional<Directory>();
    if (!fd) return fd.error();
    return std::optional<Directory>(Directory(*std::move(fd)));
  }

  const Layout& layout_;
  fs::path below_;
};

void read_v2(const Directory& leaf, Observed& seen) {
  seen.memory_limit = leaf.bytes("memory.max");
  seen.memory_reservation = leaf.bytes("memory.low");
  seen.swap_limit = leaf.bytes("memory.swap.max");
  seen.memory_usage = leaf.bytes("memory.current");
  seen.memory_peak = leaf.bytes("memory.peak");
  seen.oom_kills = leaf.value("memory.events", "oom_kill");
  const std::string maximum = leaf.text("cpu.max");
  const std::size_t space = std::min(maximum.find(' '), maximum.size());
  seen.cpu_quota = to_microseconds(parse_integer<std::uint64_t>(std::string_view(maximum).substr(0, space)));
  if (space < maximum.size()) {
    seen.cpu_period = to_microseconds(parse_integer<std::uint64_t>(std::string_view(maximum).substr(space + 1)));
  }
  seen.cpu_weight = leaf.number("cpu.weight");
  seen.cpu_usage = to_microseconds(leaf.value("cpu.stat", "usage_usec"));
  seen.throttled_periods = leaf.value("cpu.stat", "nr_throttled");
  seen.pids_limit = leaf.number("pids.max");
  seen.pids = leaf.number("pids.current");
}

void read_v1_memory(const Directory& leaf, Observed& seen) {
  seen.memory_limit = leaf.bytes("memory.limit_in_bytes");
  seen.memory_reservation = leaf.bytes("memory.soft_limit_in_bytes");
  const auto sum = leaf.bytes("memory.memsw.limit_in_bytes");
  if (sum && seen.memory_limit) seen.swap_limit = Bytes{sum->count - seen.memory_limit->count};
  seen.memory_usage = leaf.bytes("memory.usage_in_bytes");
  seen.memory_peak = leaf.bytes("memory.max_usage_in_bytes");
  seen.oom_kills = leaf.value("memory.oom_control", "oom_kill");
}

void read_v1_cpu(const Directory& leaf, Observed& seen) {
  seen.cpu_quota = to_microseconds(leaf.number("cpu.cfs_quota_us"));
  seen.cpu_period = to_microseconds(leaf.number("cpu.cfs_period_us"));
  if (const auto shares = leaf.number("cpu.shares")) seen.cpu_weight = weight_from_shares(*shares);
  seen.throttled_periods = leaf.value("cpu.stat", "nr_throttled");
}

void read_v1_pids(const Directory& leaf, Observed& seen) {
  seen.pids_limit = leaf.number("pids.max");
  seen.pids = leaf.number("pids.current");
}

Result<> read_processes(const Directory& leaf, Observed& seen) {
  seen.processes = TRY(sys::list_cgroup_processes(leaf.fd()));
  return {};
}

}  // namespace

Result<Observed> observe(const Layout& layout, const std::string& uid, const std::string& container) {
  TRY(check_uid(uid));
  TRY(check_container(container));
  const Places places(layout, uid, container);
  Observed seen;
  bool found = false;
  const std::optional<Directory> unified = TRY(places.unified());
  if (unified) {
    found = true;
    read_v2(*unified, seen);
    TRY(read_processes(*unified, seen));
    const Result<std::size_t> programs = sys::bpf::count_device_programs(unified->fd());
    if (programs) seen.device_programs = *programs;
  }
  struct Reader {
    const char* controller;
    void (*read)(const Directory&, Observed&);
  };
  constexpr Reader kReaders[] = {{"memory", read_v1_memory}, {"cpu", read_v1_cpu}, {"pids", read_v1_pids}};
  for (const Reader& reader : kReaders) {
    const std::optional<Directory> leaf = TRY(places.v1(reader.controller));
    if (!leaf) continue;
    reader.read(*leaf, seen);
    if (!found) TRY(read_processes(*leaf, seen));
    found = true;
  }
  if (!found) return error(Kind::not_found, "container '", container, "' of pod '", uid, "': it has no cgroup");
  return seen;
}

Result<bool> was_oom_killed(const Layout& layout, const std::string& uid, const std::string& container) {
  TRY(check_uid(uid));
  TRY(check_container(container));
  const Places places(layout, uid, container);
  const bool is_v1 = layout.v1.contains("memory");
  const std::optional<Directory> leaf = TRY(is_v1 ? places.v1("memory") : places.unified());
  if (!leaf) return false;
  const auto kills = is_v1 ? leaf->value("memory.oom_control", "oom_kill") : leaf->value("memory.events", "oom_kill");
  return kills.value_or(0) > 0;
}

}  // namespace tank::cgroup
