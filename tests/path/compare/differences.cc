#include "path/compare/differences.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

namespace tank::test {

namespace {

/// All three are patterns of fnmatch(3), whose "*" matches anything; a "[" of a field's name is written "\\[".
struct Allowed {
  const char* field;
  const char* tank;
  const char* runc;
  const char* why;
};

constexpr Allowed kAllowed[] = {
    {"mounts\\[/].root", "/", "*/rootfs", "runc gets a copy of the image's layer in a directory, Tank an overlay"},
    {"mounts\\[/].type", "overlay", "*", "the same"},
    {"mounts\\[/].super", "*lowerdir=*", "*", "the same"},
    {"mounts\\[/].source", "overlay", "*", "the same"},
    {"mounts\\[*].source", "none", "*", "a label only; a mount made with fsmount(2) has none unless one is given"},
    {"fds.0", "/dev/null", "pipe", "runc run copies its own input, Tank without stdin: true gives none"},
    {"devices\\[/dev/core].*", "*", "(none)", "Docker and Podman link it to /proc/kcore, and so do we"},
    {"devices.count", "*", "*", "by /dev/core; every other device is compared by its name"},
    {"mounts.count", "*", "*", "by the rows about cgroups; every mount is compared by its path"},
    {"mounts\\[/proc/*].super", "rw,nr_inodes=1,mode=755", "ro",
     "the empty tmpfs over a masked directory: the mount itself is read-only on both sides"},
    {"mounts\\[/sys/firmware].super", "rw,nr_inodes=1,mode=755", "ro", "the same"},
    {"mounts\\[/sys/devices/virtual/powercap].super", "rw,nr_inodes=1,mode=755", "ro", "the same"},
    {"mounts\\[/sys].super", "rw", "ro",
     "the mount is read-only on both sides, the super block is the kernel's choice"},
    {"writable./sys*", "EACCES", "EROFS",
     "the same: the kernel asks the super block, then the file's mode, then the mount; the answer is no either way"},
    {"mounts\\[/memory].root", "/", "*/memory/memory",
     "a volume in memory is a file system of its own that the shim holds; runc binds its empty mount point"},
    {"mounts\\[/memory].super", "rw*", "*", "the same"},
    {"mounts\\[/memory].options", "ro,nosuid,nodev,relatime", "ro,relatime", "the same"},
    // Where cgroup v1 controllers are mounted, Tank shows the host's hierarchies as they are; runc builds a tmpfs.
    {"cgroup.limits.pids/pids.max", "(none)", "max", "Tank joins a v1 hierarchy only for a limit that needs it"},
    {"mounts\\[/sys/fs/cgroup/unified].*", "*", "(none)", "runc leaves out the unified hierarchy of a hybrid host"},
    {"mounts\\[/sys/fs/cgroup].options", "ro,*", "rw,*", "runc leaves its tmpfs writable"},
    {"writable./sys/fs/cgroup", "EROFS", "yes", "the same"},
};

bool matches(const char* pattern, const std::string& text) { return ::fnmatch(pattern, text.c_str(), 0) == 0; }

bool is_allowed(const std::string& field, const std::string& tank, const std::string& runc) {
  return std::any_of(std::begin(kAllowed), std::end(kAllowed), [&](const Allowed& one) {
    return matches(one.field, field) && matches(one.tank, tank) && matches(one.runc, runc);
  });
}

}  // namespace

std::vector<std::string> unexplained(const Fields& tank, const Fields& runc) {
  const auto value = [](const Fields& fields, const std::string& name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string("(none)") : found->second;
  };
  std::set<std::string> names;
  for (const auto& [name, ignored] : tank) names.insert(name);
  for (const auto& [name, ignored] : runc) names.insert(name);
  std::vector<std::string> lines;
  for (const std::string& name : names) {
    const std::string ours = value(tank, name);
    const std::string theirs = value(runc, name);
    if (ours == theirs || is_allowed(name, ours, theirs)) continue;
    lines.push_back(name + ": '" + ours + "' under tank, '" + theirs + "' under runc");
  }
  return lines;
}

}  // namespace tank::test
