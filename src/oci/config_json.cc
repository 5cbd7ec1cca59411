// Writes a Config as config.json. The text is made directly, indented for readers: Boost.JSON writes one line only, and
// this happens at every start. Strings may come from an image; what is not UTF-8 in them is replaced.

#include <algorithm>
#include <array>
#include <cstdio>

#include "oci/config.h"

namespace tank::oci {

namespace {

/// Length of the UTF-8 sequence that starts here, 0 when it is none (RFC 3629: no overlong forms, no surrogates).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  const auto follows = [&](std::size_t count, unsigned least, unsigned most) {
    if (byte(1) < least || byte(1) > most) return std::size_t{0};
    for (std::size_t i = 2; i <= count; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xbf) return std::size_t{0};
    }
    return count + 1;
  };
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1, 0x80, 0xbf);
  if (first >= 0xe0 && first <= 0xef) return follows(2, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
  if (first >= 0xf0 && first <= 0xf4) return follows(3, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
  return 0;
}

class Writer {
 public:
  /// Opens a value's braces; `name` is its key in the object around it, empty in a list or at the top.
  void open(std::string_view name, char bracket) {
    begin(name);
    out_ += bracket;
    empty_ = true;
    ++depth_;
  }
  void close(char bracket) {
    --depth_;
    if (!empty_) line();
    out_ += bracket;
    empty_ = false;
  }
  void text(std::string_view name, std::string_view value) {
    begin(name);
    quote(value);
  }
  template <typename Number>
  void number(std::string_view name, Number value) {
    begin(name);
    out_ += std::to_string(value);
  }
  template <typename Number>
  void number(std::string_view name, const std::optional<Number>& value) {
    if (value) number(name, *value);
  }
  void boolean(std::string_view name, bool value) {
    begin(name);
    out_ += value ? "true" : "false";
  }
  /// On one line.
  void texts(std::string_view name, const std::vector<std::string>& values) {
    begin(name);
    out_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i != 0) out_ += ", ";
      quote(values[i]);
    }
    out_ += ']';
  }
  std::string take() {
    out_ += '\n';
    return std::move(out_);
  }
  void reserve(std::size_t bytes) { out_.reserve(bytes); }

 private:
  void line() {
    out_ += '\n';
    out_.append(depth_ * 2, ' ');
  }
  void begin(std::string_view name) {
    if (!empty_) out_ += ',';
    if (depth_ != 0) line();
    empty_ = false;
    if (name.empty()) return;
    quote(name);
    out_ += ": ";
  }
  void quote(std::string_view value) {
    out_ += '"';
    while (!value.empty()) {
      const std::size_t length = sequence_length(value);
      if (length == 0) out_ += "\\ufffd";
      if (length == 1) character(value[0]);
      if (length > 1) out_ += value.substr(0, length);
      value.remove_prefix(length == 0 ? 1 : length);
    }
    out_ += '"';
  }
  void character(char c) {
    if (c == '"' || c == '\\') out_ += '\\';
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      out_ += c;
      return;
    }
    std::array<char, 8> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(c));
    out_ += escaped.data();
  }

  std::string out_;
  std::size_t depth_ = 0;
  bool empty_ = true;
};

void write_process(Writer& w, const Process& process) {
  w.open("process", '{');
  w.boolean("terminal", process.terminal);
  w.open("user", '{');
  w.number("uid", process.user.uid);
  w.number("gid", process.user.gid);
  w.open("additionalGids", '[');
  for (const std::uint32_t gid : process.user.additional_gids) w.number("", gid);
  w.close(']');
  w.close('}');
  w.texts("args", process.args);
  w.texts("env", process.env);
  w.text("cwd", process.cwd);
  w.open("capabilities", '{');
  w.texts("bounding", process.capabilities.bounding);
  w.texts("effective", process.capabilities.effective);
  w.texts("permitted", process.capabilities.permitted);
  w.texts("inheritable", process.capabilities.inheritable);
  w.texts("ambient", process.capabilities.ambient);
  w.close('}');
  w.open("rlimits", '[');
  for (const Rlimit& limit : process.rlimits) {
    w.open("", '{');
    w.text("type", limit.type);
    w.number("soft", limit.soft);
    w.number("hard", limit.hard);
    w.close('}');
  }
  w.close(']');
  w.boolean("noNewPrivileges", process.no_new_privileges);
  w.number("oomScoreAdj", process.oom_score_adj);
  w.close('}');
}

/// The mount in the specification's own words: a sub-directory becomes part of the source.
Mount standard_form(Mount mount) {
  const auto names_subdirectory = [](const std::string& option) { return option.starts_with(kSubdirectoryOption); };
  const auto option = std::find_if(mount.options.begin(), mount.options.end(), names_subdirectory);
  if (option == mount.options.end()) return mount;
  mount.source += "/" + option->substr(std::string_view(kSubdirectoryOption).size());
  mount.options.erase(option);
  return mount;
}

void write_mounts(Writer& w, const std::vector<Mount>& mounts) {
  w.open("mounts", '[');
  for (const Mount& declared : mounts) {
    const Mount mount = standard_form(declared);
    w.open("", '{');
    w.text("destination", mount.destination);
    w.text("type", mount.type);
    w.text("source", mount.source);
    w.texts("options", mount.options);
    w.close('}');
  }
  w.close(']');
}

void write_devices(Writer& w, const std::vector<Device>& devices) {
  w.open("devices", '[');
  for (const Device& device : devices) {
    w.open("", '{');
    w.text("path", device.path);
    w.text("type", std::string_view(&device.type, 1));
    w.number("major", device.major);
    w.number("minor", device.minor);
    w.number("fileMode", device.file_mode);
    w.number("uid", 0);
    w.number("gid", 0);
    w.close('}');
  }
  w.close(']');
}

void write_device_rules(Writer& w, const std::vector<DeviceRule>& rules) {
  w.open("devices", '[');
  for (const DeviceRule& rule : rules) {
    w.open("", '{');
    w.boolean("allow", rule.allow);
    w.text("type", std::string_view(&rule.type, 1));
    w.number("major", rule.major);
    w.number("minor", rule.minor);
    w.text("access", rule.access);
    w.close('}');
  }
  w.close(']');
}

void write_resources(Writer& w, const Resources& resources) {
  w.open("resources", '{');
  write_device_rules(w, resources.devices);
  if (resources.memory_limit || resources.memory_swap || resources.memory_reservation) {
    w.open("memory", '{');
    w.number("limit", resources.memory_limit);
    w.number("reservation", resources.memory_reservation);
    w.number("swap", resources.memory_swap);
    w.close('}');
  }
  if (resources.cpu_shares || resources.cpu_quota || resources.cpu_period) {
    w.open("cpu", '{');
    w.number("shares", resources.cpu_shares);
    w.number("quota", resources.cpu_quota);
    w.number("period", resources.cpu_period);
    w.close('}');
  }
  if (resources.pids_limit) {
    w.open("pids", '{');
    w.number("limit", resources.pids_limit);
    w.close('}');
  }
  w.close('}');
}

void write_seccomp(Writer& w, const Seccomp& seccomp) {
  w.open("seccomp", '{');
  w.text("defaultAction", seccomp.default_action);
  w.number("defaultErrnoRet", seccomp.default_errno_ret);
  w.texts("architectures", seccomp.architectures);
  w.open("syscalls", '[');
  for (const SeccompRule& rule : seccomp.rules) {
    w.open("", '{');
    w.texts("names", rule.names);
    w.text("action", rule.action);
    w.number("errnoRet", rule.errno_ret);
    if (!rule.args.empty()) w.open("args", '[');
    for (const SeccompArg& arg : rule.args) {
      w.open("", '{');
      w.number("index", arg.index);
      w.number("value", arg.value);
      w.number("valueTwo", arg.value_two);
      w.text("op", arg.op);
      w.close('}');
    }
    if (!rule.args.empty()) w.close(']');
    w.close('}');
  }
  w.close(']');
  w.close('}');
}

void write_texts(Writer& w, std::string_view name, const std::map<std::string, std::string>& entries) {
  w.open(name, '{');
  for (const auto& [key, value] : entries) w.text(key, value);
  w.close('}');
}

void write_linux(Writer& w, const Linux& section) {
  w.open("linux", '{');
  w.open("namespaces", '[');
  for (const Namespace& one : section.namespaces) {
    w.open("", '{');
    w.text("type", one.type);
    if (!one.path.empty()) w.text("path", one.path);
    w.close('}');
  }
  w.close(']');
  write_devices(w, section.devices);
  write_resources(w, section.resources);
  if (!section.cgroups_path.empty()) w.text("cgroupsPath", section.cgroups_path);
  if (section.seccomp) write_seccomp(w, *section.seccomp);
  w.texts("maskedPaths", section.masked_paths);
  w.texts("readonlyPaths", section.readonly_paths);
  if (!section.sysctl.empty()) write_texts(w, "sysctl", section.sysctl);
  w.close('}');
}

}  // namespace

std::string to_json(const Config& config) {
  constexpr std::size_t kUsualSize = 16384;
  Writer w;
  w.reserve(kUsualSize);
  w.open("", '{');
  w.text("ociVersion", "1.0.2");
  w.open("root", '{');
  w.text("path", config.root.path);
  w.boolean("readonly", config.root.readonly);
  w.close('}');
  w.text("hostname", config.hostname);
  write_process(w, config.process);
  write_mounts(w, config.mounts);
  write_linux(w, config.linux_);
  write_texts(w, "annotations", config.annotations);
  w.close('}');
  return w.take();
}

}  // namespace tank::oci
