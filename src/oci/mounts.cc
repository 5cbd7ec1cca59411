#include "oci/mounts.h"

#include <algorithm>
#include <filesystem>

namespace tank::oci {

namespace {

using Options = std::vector<std::string>;

Options with(Options options, const char* more) {
  options.emplace_back(more);
  return options;
}

std::vector<Mount> standard_mounts(const SecurityContext& security) {
  const Options inert{"nosuid", "noexec", "nodev"};
  // The network part of /sys belongs to the pod, the rest to the machine: readable, and writable only when privileged.
  const char* machine = security.privileged ? "rw" : "ro";
  return {
      {"/proc", "proc", "proc", inert},
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      // gid 5 is tty in every distribution; devpts of an own instance shows no terminal of the host.
      {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
      {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
      {"/dev/mqueue", "mqueue", "mqueue", inert},
      {"/sys", "sysfs", "sysfs", with(inert, machine)},
      {"/sys/fs/cgroup", "cgroup", "cgroup", with(with(inert, "relatime"), machine)},
  };
}

bool lies_in(const std::string& path, const std::string& directory) {
  return path == directory || (path.starts_with(directory) && path[directory.size()] == '/');
}

Result<> check_destination(const std::string& path) {
  const bool absolute = path.starts_with('/') && path.find('\0') == std::string::npos;
  const bool clean =
      absolute && std::filesystem::path(path).lexically_normal().native() == path && !path.ends_with('/');
  if (path == "/") return error(Kind::invalid, "mounting a volume over '/': the root is the image's");
  if (!clean)
    return error(Kind::invalid, "mounting at '", path,
                 "': not an absolute path without '.', '..' and doubled or trailing slashes");
  if (lies_in(path, "/proc")) return error(Kind::invalid, "mounting at '", path, "': nothing may hide /proc");
  return {};
}

}  // namespace

Result<std::vector<Mount>> plan_mounts(const SecurityContext& security, std::vector<Mount> own) {
  for (const Mount& mount : own) TRY(check_destination(mount.destination));
  std::vector<Mount> out = standard_mounts(security);
  const auto replaced = [&](const Mount& standard) {
    return std::any_of(own.begin(), own.end(),
                       [&](const Mount& mount) { return lies_in(standard.destination, mount.destination); });
  };
  out.erase(std::remove_if(out.begin(), out.end(), replaced), out.end());
  const auto depth = [](const Mount& mount) {
    return std::count(mount.destination.begin(), mount.destination.end(), '/');
  };
  std::stable_sort(own.begin(), own.end(), [&](const Mount& a, const Mount& b) { return depth(a) < depth(b); });
  std::move(own.begin(), own.end(), std::back_inserter(out));
  return out;
}

}  // namespace tank::oci
