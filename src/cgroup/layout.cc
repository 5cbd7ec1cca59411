#include "cgroup/layout.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/parse.h"
#include "sys/bpf.h"
#include "sys/file.h"

namespace tank::cgroup {

namespace {

constexpr std::size_t kMostBytes = 16 << 20;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// mountinfo writes space, tab, newline and backslash as a backslash and three octal digits.
std::string unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const bool escaped = text[0] == '\\' && text.size() >= 4;
    const auto octal = escaped ? parse_integer<std::uint8_t>(text.substr(1, 3), 0, 255, 8) : std::nullopt;
    out += octal ? static_cast<char>(*octal) : text[0];
    text.remove_prefix(octal ? 4 : 1);
  }
  return out;
}

struct Mount {
  std::string point;
  std::string_view type;
  std::string_view super_options;
};

/// Fields: id, parent, device, root, mount point, options, optional ones …, "-", type, source, super options.
std::optional<Mount> parse_line(std::string_view line) {
  const std::vector<std::string_view> fields = split(line, ' ');
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  if (fields.size() < 7 || dash - fields.begin() < 6 || fields.end() - dash < 4) return std::nullopt;
  return Mount{unescape(fields[4]), dash[1], dash[3]};
}

bool covers(const std::string& later, const std::string& earlier) {
  if (later == "/") return false;  // the root mounted anew is where we are, or we could not see either
  return earlier == later || (earlier.starts_with(later) && earlier[later.size()] == '/');
}

bool is_usual(const std::string& point) { return point.starts_with("/sys/fs/cgroup"); }

void prefer(std::filesystem::path& chosen, const std::string& point) {
  if (chosen.empty() || (!is_usual(chosen.native()) && is_usual(point))) chosen = point;
}

/// v1 mounts carry their controllers among the super block's options.
constexpr std::string_view kControllers[] = {"blkio",   "cpu",    "cpuacct", "cpuset",   "devices",    "freezer",
                                             "hugetlb", "memory", "net_cls", "net_prio", "perf_event", "pids"};

void add_v1(Layout& layout, const Mount& mount) {
  for (const std::string_view option : split(mount.super_options, ',')) {
    if (std::find(std::begin(kControllers), std::end(kControllers), option) == std::end(kControllers)) continue;
    prefer(layout.v1[std::string(option)], mount.point);
  }
}

/// Both ways exist on the hybrid layout alone, where a kernel built without cgroup programs or a policy against them
/// leaves the devices controller. Where there is one way only, its refusal is told when it is used.
DeviceControl choose_device_control(const Layout& layout) {
  const bool has_v1 = layout.v1.count("devices") != 0;
  if (layout.unified.empty()) return has_v1 ? DeviceControl::v1 : DeviceControl::none;
  if (!has_v1) return DeviceControl::bpf;
  // Asking for the programs of a cgroup is EINVAL without CONFIG_CGROUP_BPF and costs a tenth of loading one to see.
  const Result<sys::DirFd> root = sys::open_dir(layout.unified);
  return root && sys::bpf::count_device_programs(*root) ? DeviceControl::bpf : DeviceControl::v1;
}

}  // namespace

Result<Layout> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  for (const std::string_view line : split(text, '\n')) {
    std::optional<Mount> mount = parse_line(line);
    if (!mount) return error(Kind::corrupt, "reading mountinfo: not a mount: '", line, "'");
    std::erase_if(mounts, [&](const Mount& earlier) { return covers(mount->point, earlier.point); });
    if (mount->type == "cgroup" || mount->type == "cgroup2") mounts.push_back(*std::move(mount));
  }
  Layout layout;
  for (const Mount& mount : mounts) {
    if (mount.type == "cgroup2") {
      prefer(layout.unified, mount.point);
    } else {
      add_v1(layout, mount);
    }
  }
  return layout;
}

Result<Layout> observe_layout() {
  const std::string text = TRY(sys::read_file("/proc/self/mountinfo", kMostBytes));
  Layout layout = TRY(parse_mountinfo(text));
  if (layout.unified.empty() && layout.v1.empty()) {
    return error(Kind::unsupported, "looking for cgroups: no hierarchy is mounted (cgroup2 belongs at /sys/fs/cgroup)");
  }
  if (!layout.unified.empty()) {
    const std::string offered = TRY(sys::read_file(layout.unified / "cgroup.controllers", kMostBytes));
    for (const std::string_view name : split(offered, ' ')) {
      layout.unified_controllers.emplace(name.substr(0, name.find('\n')));
    }
    layout.unified_controllers.erase("");
  }
  layout.devices = choose_device_control(layout);
  return layout;
}

std::string to_string(const Layout& layout) {
  std::string out = layout.v1.empty() ? "pure v2" : layout.unified.empty() ? "pure v1" : "hybrid";
  out += ":";
  if (!layout.unified.empty()) {
    out += concat(" unified at ", layout.unified.native(), " with");
    for (const std::string& name : layout.unified_controllers) out += concat(" ", name);
    out += ";";
  }
  if (!layout.v1.empty()) {
    out += " v1 for";
    for (const auto& [name, point] : layout.v1) out += concat(" ", name);
    out += ";";
  }
  switch (layout.devices) {
    case DeviceControl::none: return out + " no device control";
    case DeviceControl::bpf: return out + " devices by bpf";
    case DeviceControl::v1: return out + " devices by v1";
  }
  return out;
}

}  // namespace tank::cgroup
