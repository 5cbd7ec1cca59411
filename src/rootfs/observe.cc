#include "rootfs/observe.h"

#include <algorithm>
#include <array>

#include "oci/capabilities.h"
#include "sys/file.h"
#include "sys/host_limits.h"
#include "sys/node.h"

namespace tank::rootfs {

namespace {

#if defined(__x86_64__)
constexpr const char* kArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr const char* kArchitecture = "arm64";
#else
#error "no device, seccomp and capability rules for this architecture"
#endif

constexpr const char* kProcessors = "/sys/devices/system/cpu";
constexpr std::size_t kMostProfileBytes = 1U << 20U;

Result<std::vector<std::string>> observe_bounding() {
  const std::uint64_t bits = TRY(sys::available_capabilities());
  const auto& names = oci::capability_names();
  std::vector<std::string> out;
  for (std::size_t number = 0; number < names.size(); ++number) {
    if ((bits >> number & 1U) != 0) out.emplace_back(names[number]);
  }
  return out;
}

/// major(3) and minor(3) of a 64-bit device number.
oci::Device to_device(const sys::NodeStatus& node, std::string path) {
  const std::uint64_t number = node.device_number;
  oci::Device out;
  out.type = node.type == sys::NodeStatus::Type::block_device ? 'b' : 'c';
  out.path = std::move(path);
  out.major = static_cast<std::int64_t>(((number >> 8U) & 0xfffU) | ((number >> 32U) & ~std::uint64_t{0xfff}));
  out.minor = static_cast<std::int64_t>((number & 0xffU) | ((number >> 12U) & ~std::uint64_t{0xff}));
  out.file_mode = static_cast<std::uint32_t>(node.mode);
  return out;
}

/// Those a container has of its own kind.
bool is_left_out(const std::string& path) {
  constexpr std::array<std::string_view, 8> kOwn{"/dev/pts",  "/dev/shm",     "/dev/fd",        "/dev/mqueue",
                                                 "/dev/ptmx", "/dev/console", "/dev/hugepages", "/dev/.lxc"};
  return std::find(kOwn.begin(), kOwn.end(), path) != kOwn.end();
}

Result<> collect_devices(const sys::Fd& dir, const std::string& at, std::vector<oci::Device>& out) {
  const std::vector<std::string> names = TRY(sys::list_dir(dir));
  for (const std::string& name : names) {
    const std::string path = at + "/" + name;
    const auto node = TRY(sys::find_node_at(dir, name));
    if (!node || is_left_out(path)) continue;
    if (node->type == sys::NodeStatus::Type::directory) {
      const sys::DirFd inner = TRY(sys::open_dir_at(dir, name));
      TRY(collect_devices(inner, path, out));
    }
    const bool device =
        node->type == sys::NodeStatus::Type::char_device || node->type == sys::NodeStatus::Type::block_device;
    if (device) out.push_back(to_device(*node, path));
  }
  return {};
}

Result<std::vector<oci::Device>> observe_devices() {
  std::vector<oci::Device> out;
  const sys::DirFd dev = TRY(sys::open_dir("/dev"));
  TRY(collect_devices(dev, "/dev", out).while_doing("listing the host's devices"));
  return out;
}

}  // namespace

Result<std::vector<std::string>> observe_thermal_throttle(const std::filesystem::path& processors) {
  std::vector<std::string> out;
  const auto first = TRY(sys::find_node(processors / "cpu0/thermal_throttle"));
  if (!first) return out;
  const std::vector<std::string> names = TRY(sys::list_dir(processors));
  for (const std::string& name : names) {
    const std::filesystem::path path = processors / name / "thermal_throttle";
    const auto found = TRY(sys::find_node(path));
    if (found) out.push_back(path);
  }
  return out;
}

Result<oci::HostFacts> observe_host(const Pod& pod) {
  oci::HostFacts out;
  out.architecture = kArchitecture;
  out.bounding = TRY(observe_bounding());
  const sys::OpenFiles files = TRY(sys::open_files_limit());
  out.open_files = {"RLIMIT_NOFILE", files.soft, files.hard};
  out.memory.count = TRY(sys::total_memory());
  out.masked_paths = TRY(observe_thermal_throttle(kProcessors));
  const auto privileged = [](const Container& container) { return container.security.privileged; };
  if (std::any_of(pod.containers.begin(), pod.containers.end(), privileged)) out.devices = TRY(observe_devices());
  return out;
}

Result<std::string> read_seccomp_profile(const Container& container) {
  const SeccompProfile& profile = container.security.seccomp;
  if (container.security.privileged || profile.type != SeccompProfile::Type::localhost) return std::string();
  return sys::read_file(profile.localhost_profile, kMostProfileBytes);
}

}  // namespace tank::rootfs
