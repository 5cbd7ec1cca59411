// /dev: the nodes and links every container may expect (runtime-spec, config-linux.md, "Default Devices"), those its
// configuration adds, the null device that masks and stdio rest on, and the terminal.
#include <fcntl.h>

#include <array>
#include <cstring>

#include "shim/child.h"
#include "sys/device.h"
#include "sys/mount.h"
#include "sys/path_in_root.h"
#include "sys/process.h"
#include "sys/terminal.h"

namespace tank::shim {

namespace {

constexpr std::uint32_t kReadWriteForAll = 0020666;
constexpr std::array<DeviceStep, 6> kNodes = {{{"/dev/null", kReadWriteForAll, 1, 3},
                                               {"/dev/zero", kReadWriteForAll, 1, 5},
                                               {"/dev/full", kReadWriteForAll, 1, 7},
                                               {"/dev/random", kReadWriteForAll, 1, 8},
                                               {"/dev/urandom", kReadWriteForAll, 1, 9},
                                               {"/dev/tty", kReadWriteForAll, 5, 0}}};

struct DeviceLink {
  const char* name;
  const char* target;
};
constexpr std::array<DeviceLink, 6> kLinks = {{{"fd", "/proc/self/fd"},
                                               {"stdin", "/proc/self/fd/0"},
                                               {"stdout", "/proc/self/fd/1"},
                                               {"stderr", "/proc/self/fd/2"},
                                               {"core", "/proc/kcore"},
                                               {"ptmx", "pts/ptmx"}}};

bool has_own_dev(const Plan& plan) {
  for (const MountStep& step : plan.mounts) {
    if (!step.is_bind && std::strcmp(step.type, "tmpfs") == 0 && std::strcmp(step.destination, "/dev") == 0)
      return true;
  }
  return false;
}

/// Where this user namespace may not make nodes, the host's own node of that name, if it is the same device.
Result<> bind_host_device(const DeviceStep& device, const sys::Fd& root) {
  const sys::MountFd source = TRY(sys::clone_mount_at(device.path, sys::Recursive::no));
  const sys::FileKind kind = TRY(sys::kind_of(source));
  constexpr std::uint32_t kTypeBits = 0170000;
  if ((kind.mode & kTypeBits) != (device.mode & kTypeBits) || kind.major != device.major ||
      kind.minor != device.minor) {
    return error(Kind::invalid, "the host has another device there");
  }
  const sys::Fd target = TRY(sys::ensure_in_root(root, device.path, sys::Entry::file, sys::Links::refuse));
  return sys::attach_mount(source, target);
}

Result<> make_device(const DeviceStep& device, const sys::Fd& root, const sys::Fd& dev) {
  const char* slash = std::strrchr(device.path, '/');
  const std::string parent(device.path, slash);
  const sys::Node node{device.mode, device.major, device.minor};
  Result<> made;
  if (parent == "/dev" && dev.is_open()) {
    made = sys::make_node_at(dev, slash + 1, node);
  } else {
    const sys::Fd directory = TRY(sys::ensure_in_root(root, parent.c_str(), sys::Entry::directory, sys::Links::refuse));
    made = sys::make_node_at(directory, slash + 1, node);
  }
  if (made || made.error().number() != EPERM) return made;
  return bind_host_device(device, root);
}

}  // namespace

Result<> fill_dev(const sys::Fd& dev) {
  for (const DeviceLink& link : kLinks) TRY(sys::make_link_at(dev, link.name, link.target));
  // What is mounted below it soon; to make these here saves each of those mounts a walk.
  for (const char* directory : {"pts", "shm", "mqueue"}) TRY(sys::make_directory_at(dev, directory));
  return {};
}

Result<> make_devices(const Plan& plan, const sys::Fd& root) {
  sys::Fd dev;
  if (has_own_dev(plan)) {
    dev = TRY(sys::find_in_root(root, "/dev", sys::Links::refuse));
    for (const DeviceStep& node : kNodes) TRY(make_device(node, root, dev).while_doing("device '", node.path, "'"));
  }
  for (const DeviceStep& device : plan.devices) {
    TRY(make_device(device, root, dev).while_doing("device '", device.path, "'"));
  }
  return {};
}

Result<sys::Fd> open_null_device(const sys::Fd& root) {
  // A masked path is only as safe as what covers it: never by name alone (CVE-2025-31133).
  Result<sys::Fd> own = sys::find_in_root(root, "/dev/null", sys::Links::refuse);
  if (own) {
    const sys::FileKind kind = TRY(sys::kind_of(*own));
    if (kind.is_null_device()) return own;
  }
  sys::Fd host = TRY(sys::open_place("/dev/null"));
  const sys::FileKind kind = TRY(sys::kind_of(host));
  if (!kind.is_null_device()) return error(Kind::invalid, "the host's /dev/null is not the null device");
  return host;
}

Result<> connect_streams(const Plan& plan, const ChildDescriptors& given, const sys::Fd& root) {
  sys::Fd null;
  for (int number = 0; number < 3; ++number) {
    if (given.stdio[number] >= 0) {
      // A workload that is not root opens /dev/stderr again by name, and a pipe's inode says who may.
      const sys::FileKind kind = TRY(sys::kind_of(number));
      if (plan.uid != 0 && kind.is_pipe_or_socket()) (void)sys::give_to_user(number, plan.uid);
      continue;
    }
    if (!null.is_open()) {
      const sys::Fd place = TRY(open_null_device(root));
      null = TRY(sys::reopen(place, O_RDWR));
    }
    TRY(sys::place_descriptor(null.get(), number, sys::Inherit::yes));
  }
  return {};
}

Result<sys::Fd> connect_terminal(const Plan& plan, const sys::Fd& root) {
  const sys::Fd place = TRY(sys::find_in_root(root, "/dev/pts", sys::Links::refuse));
  sys::Terminal terminal = TRY(sys::open_terminal(place));
  // By descriptor, not through /dev/console or a name under pts (CVE-2025-52565).
  const sys::MountFd slave = TRY(sys::clone_mount(terminal.slave, sys::Recursive::no));
  const sys::Fd console = TRY(sys::ensure_in_root(root, "/dev/console", sys::Entry::file, sys::Links::refuse));
  TRY(sys::attach_mount(slave, console));
  TRY(sys::give_to_user(terminal.slave.get(), plan.uid));
  for (int number = 0; number < 3; ++number) {
    TRY(sys::place_descriptor(terminal.slave.get(), number, sys::Inherit::yes));
  }
  return std::move(terminal.master);
}

}  // namespace tank::shim
