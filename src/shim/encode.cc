// The owner's half of the plan: an OCI configuration lowered to what the child can do without thinking. Every name the
// child would not understand is refused here, where there is somebody to tell.
#include <algorithm>
#include <array>

#include "base/parse.h"
#include "shim/message.h"
#include "shim/plan.h"
#include "sys/capability.h"
#include "sys/identity.h"
#include "sys/seccomp.h"

namespace tank::shim {

namespace {

namespace attribute = sys::mount_attribute;

struct AttributeOption {
  std::string_view name;
  std::uint64_t set;
  std::uint64_t clear;
};

// mount(8)'s names. relatime is the kernel's default, the zero of the access-time field.
constexpr std::array<AttributeOption, 18> kAttributes = {{
    {"ro", attribute::kReadonly, 0},
    {"rro", attribute::kReadonly, 0},
    {"rw", 0, attribute::kReadonly},
    {"nosuid", attribute::kNoSuid, 0},
    {"suid", 0, attribute::kNoSuid},
    {"nodev", attribute::kNoDevices, 0},
    {"dev", 0, attribute::kNoDevices},
    {"noexec", attribute::kNoExecute, 0},
    {"exec", 0, attribute::kNoExecute},
    {"noatime", attribute::kNoAccessTime, attribute::kAccessTime},
    {"relatime", 0, attribute::kAccessTime},
    {"strictatime", attribute::kStrictAccessTime, attribute::kAccessTime},
    {"nodiratime", attribute::kNoDirectoryAccessTime, 0},
    {"diratime", 0, attribute::kNoDirectoryAccessTime},
    {"nosymfollow", attribute::kNoSymlinks, 0},
    {"symfollow", 0, attribute::kNoSymlinks},
    // Every mount of a container is private; saying so changes nothing.
    {"private", 0, 0},
    {"rprivate", 0, 0},
}};

constexpr std::array<std::string_view, 7> kTypes = {"bind", "proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup"};
constexpr std::string_view kSubdirectory = "X-mount.subdir=";

struct LoweredMount {
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  bool is_bind = false;
  bool is_recursive = false;
  std::string_view subdirectory;
  std::vector<std::string_view> options;
};

Result<> lower_option(std::string_view option, LoweredMount& lowered) {
  const auto* found = std::find_if(kAttributes.begin(), kAttributes.end(),
                                   [&](const AttributeOption& known) { return known.name == option; });
  if (found != kAttributes.end()) {
    // The last word counts: "ro,rw" is writable.
    lowered.set = (lowered.set & ~found->clear) | found->set;
    lowered.clear = (lowered.clear & ~found->set) | found->clear;
    // mount_setattr(2) wants the whole access-time field cleared to set any of it.
    if ((found->clear & attribute::kAccessTime) != 0) lowered.clear |= attribute::kAccessTime;
    return {};
  }
  if (option == "bind" || option == "rbind") {
    lowered.is_bind = true;
    lowered.is_recursive = lowered.is_recursive || option == "rbind";
  } else if (option.substr(0, kSubdirectory.size()) == kSubdirectory) {
    lowered.subdirectory = option.substr(kSubdirectory.size());
  } else if (option.empty()) {
    return error(Kind::invalid, "an empty mount option");
  } else {
    lowered.options.push_back(option);
  }
  return {};
}

Result<LoweredMount> lower_mount(const oci::Mount& mount) {
  LoweredMount lowered;
  lowered.is_bind = mount.type == "bind";
  if (mount.destination.empty() || mount.destination.front() != '/') {
    return error(Kind::invalid, "the destination is not an absolute path");
  }
  if (!mount.type.empty() && std::find(kTypes.begin(), kTypes.end(), mount.type) == kTypes.end()) {
    return error(Kind::invalid, "type '", mount.type, "' is not known");
  }
  for (const std::string& option : mount.options) TRY(lower_option(option, lowered));
  if (mount.type.empty() && !lowered.is_bind) return error(Kind::invalid, "it has no type");
  if (!lowered.is_bind && !lowered.subdirectory.empty()) return error(Kind::invalid, "only a bind has a sub-directory");
  if (lowered.is_bind && (mount.source.empty() || mount.source.front() != '/')) {
    return error(Kind::invalid, "the source '", mount.source, "' of a bind is not an absolute path");
  }
  if (lowered.is_bind && !lowered.options.empty()) {
    return error(Kind::invalid, "a bind has no option '", lowered.options.front(), "'");
  }
  return lowered;
}

Result<> write_mount(Writer& out, const oci::Mount& mount) {
  const LoweredMount lowered = TRY(lower_mount(mount).while_doing("mount at '", mount.destination, "'"));
  out.text(mount.destination);
  out.text(mount.type);
  out.text(mount.source);
  out.text(lowered.subdirectory);
  out.number(std::uint8_t{lowered.is_bind});
  out.number(std::uint8_t{lowered.is_recursive});
  out.number(lowered.set);
  out.number(lowered.clear);
  out.number(static_cast<std::uint32_t>(lowered.options.size()));
  for (const std::string_view option : lowered.options) {
    const std::size_t equals = option.find('=');
    out.number(std::uint8_t{equals != std::string_view::npos});
    out.text(option.substr(0, equals));
    if (equals != std::string_view::npos) out.text(option.substr(equals + 1));
  }
  return {};
}

Result<> write_device(Writer& out, const oci::Device& device) {
  constexpr std::uint32_t kCharacter = 0020000;
  constexpr std::uint32_t kBlock = 0060000;
  constexpr std::uint32_t kPipe = 0010000;
  const std::uint32_t type = device.type == 'b' ? kBlock : device.type == 'p' ? kPipe : kCharacter;
  const bool known = device.type == 'c' || device.type == 'u' || device.type == 'b' || device.type == 'p';
  if (!known || device.path.empty() || device.path.front() != '/' || device.path.back() == '/') {
    return error(Kind::invalid, "device '", device.path, "' of type '", device.type, "' makes no sense");
  }
  if (device.major < 0 || device.major > 0xfff || device.minor < 0 || device.minor > 0xfffff) {
    return error(Kind::invalid, "device '", device.path, "' has numbers out of range");
  }
  out.text(device.path);
  out.number(type | (device.file_mode & 07777U));
  out.number(static_cast<std::uint32_t>(device.major));
  out.number(static_cast<std::uint32_t>(device.minor));
  return {};
}

template <typename Texts>
void write_texts(Writer& out, const Texts& texts) {
  out.number(static_cast<std::uint32_t>(texts.size()));
  for (const auto& text : texts) {
    const std::string& native = text;
    out.text(native);
  }
}

Result<> write_capabilities(Writer& out, const std::vector<std::string>& names) {
  std::uint64_t mask = 0;
  for (const std::string& name : names) {
    const auto bit = sys::capability_by_name(name);
    if (!bit) return error(Kind::invalid, "capability '", name, "' is not known");
    mask |= std::uint64_t{1} << *bit;
  }
  out.number(mask);
  return {};
}

Result<> write_limits(Writer& out, const std::vector<oci::Rlimit>& limits) {
  out.number(static_cast<std::uint32_t>(limits.size()));
  for (const oci::Rlimit& limit : limits) {
    const auto resource = sys::resource_by_name(limit.type);
    if (!resource) return error(Kind::invalid, "resource limit '", limit.type, "' is not known");
    if (limit.soft > limit.hard)
      return error(Kind::invalid, "resource limit '", limit.type, "' has its soft above its hard");
    out.number(std::int32_t{*resource});
    out.number(limit.soft);
    out.number(limit.hard);
  }
  return {};
}

Result<> write_root(Writer& out, const ContainerPlan& plan) {
  const oci::Config& config = plan.config;
  if (config.root.path.empty() || config.root.path.front() != '/') {
    return error(Kind::invalid, "the root '", config.root.path, "' is not an absolute path");
  }
  out.text(config.root.path);
  out.number(static_cast<std::uint32_t>(plan.overlay.lower.size()));
  for (const auto& layer : plan.overlay.lower) out.text(layer.native());
  out.text(plan.overlay.upper.native());
  out.text(plan.overlay.work.native());
  out.number(static_cast<std::uint32_t>(config.mounts.size()));
  for (const oci::Mount& mount : config.mounts) TRY(write_mount(out, mount));
  out.number(static_cast<std::uint32_t>(config.linux_.devices.size()));
  for (const oci::Device& device : config.linux_.devices) TRY(write_device(out, device));
  write_texts(out, config.linux_.masked_paths);
  write_texts(out, config.linux_.readonly_paths);
  out.number(static_cast<std::uint32_t>(config.linux_.sysctl.size()));
  for (const auto& [key, value] : config.linux_.sysctl) {
    if (key.empty() || key.front() == '/') return error(Kind::invalid, "sysctl '", key, "' is not a name");
    out.text(key);
    out.text(value);
  }
  return {};
}

Result<> write_process(Writer& out, const ContainerPlan& plan) {
  const oci::Process& process = plan.config.process;
  if (process.args.empty()) return error(Kind::invalid, "there is no command");
  write_texts(out, process.args);
  write_texts(out, process.env);
  if (process.cwd.empty() || process.cwd.front() != '/') {
    return error(Kind::invalid, "the working directory '", process.cwd, "' is not an absolute path");
  }
  out.text(process.cwd);
  out.number(process.user.uid);
  out.number(process.user.gid);
  out.number(static_cast<std::uint32_t>(process.user.additional_gids.size()));
  for (const std::uint32_t group : process.user.additional_gids) out.number(group);
  const oci::Capabilities& sets = process.capabilities;
  for (const auto* set : {&sets.bounding, &sets.effective, &sets.permitted, &sets.inheritable, &sets.ambient}) {
    TRY(write_capabilities(out, *set));
  }
  TRY(write_limits(out, process.rlimits));
  out.number(std::uint8_t{process.oom_score_adj.has_value()});
  if (process.oom_score_adj) out.number(std::int32_t{std::clamp(*process.oom_score_adj, -1000, 1000)});
  out.block(plan.seccomp.data(), plan.seccomp.size());
  return {};
}

Result<> check(const ContainerPlan& plan) {
  if (plan.name.empty() || plan.name.size() > kMaxNameBytes)
    return error(Kind::invalid, "a name of no or too many bytes");
  if (plan.stop_signal < 1 || plan.stop_signal > 64) return error(Kind::invalid, "no signal ", plan.stop_signal);
  if (plan.grace.count() < 0) return error(Kind::invalid, "a negative grace");
  if (plan.overlay.upper.empty() != plan.overlay.work.empty()) {
    return error(Kind::invalid, "an overlay has an upper and a work directory, or neither");
  }
  if (plan.overlay.lower.empty() && !plan.overlay.upper.empty())
    return error(Kind::invalid, "an overlay without a layer");
  if (plan.seccomp.size() % sys::kFilterInstructionSize != 0 ||
      plan.seccomp.size() / sys::kFilterInstructionSize > sys::kMaxFilterInstructions) {
    return error(Kind::invalid, "a seccomp filter of ", plan.seccomp.size(), " bytes is not one");
  }
  return {};
}

Result<std::string> encode_checked(const ContainerPlan& plan) {
  TRY(check(plan));
  Writer out;
  out.number(kPlanMagic);
  out.text(plan.name);
  out.number(std::uint8_t{plan.init});
  out.number(std::uint8_t{plan.config.process.terminal});
  out.number(std::uint8_t{plan.config.process.no_new_privileges});
  out.number(std::uint8_t{plan.config.root.readonly});
  out.number(std::int32_t{plan.stop_signal});
  out.number(std::int64_t{plan.grace.count()});
  TRY(write_root(out, plan));
  TRY(write_process(out, plan));
  if (out.has_zero()) return error(Kind::invalid, "a text has a zero byte in it");
  if (out.bytes().size() > kMaxPlanBytes) return error(Kind::invalid, "it is too large");
  return out.bytes();
}

}  // namespace

Result<std::string> encode(const ContainerPlan& plan) {
  return encode_checked(plan).while_doing("preparing container '", plan.name, "'");
}

}  // namespace tank::shim
