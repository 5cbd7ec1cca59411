// The child's file system up to the pivot: the overlay, the mounts of the configuration in their order, and what is
// masked or read-only in the end. Sources are the host's, opened before the pivot; targets are resolved inside the new
// root and used by descriptor.
#include <algorithm>
#include <cstring>

#include "shim/child.h"
#include "sys/device.h"
#include "sys/mount.h"
#include "sys/path_in_root.h"

namespace tank::shim {

namespace {

namespace attribute = sys::mount_attribute;

// The kernel copies one page of options.
constexpr std::size_t kMaxOptions = 4095;

/// The overlay's directories as descriptors, named by their numbers from inside /proc/self/fd: any number of layers of
/// any depth, with ':' and ',' in their names, fits the page of options.
Result<> mount_layers(const Plan& plan) {
  std::vector<sys::Fd> held;
  std::string options = "lowerdir=";
  for (auto layer = plan.lower.rbegin(); layer != plan.lower.rend(); ++layer) {
    sys::Fd place = TRY(sys::open_place(*layer).while_doing("opening a layer"));
    held.push_back(std::move(place));
    if (layer != plan.lower.rbegin()) options += ':';
    options += std::to_string(held.back().get());
  }
  if (plan.upper[0] != '\0') {
    sys::Fd upper = TRY(sys::open_place(plan.upper).while_doing("opening the writable layer"));
    sys::Fd work = TRY(sys::open_place(plan.work).while_doing("opening the writable layer's work directory"));
    // Volatile: what is written goes with the container, so a sync at its end would be waste.
    options += concat(",upperdir=", upper.get(), ",workdir=", work.get(), ",index=off,xino=off,volatile");
    held.push_back(std::move(upper));
    held.push_back(std::move(work));
  }
  if (options.size() > kMaxOptions)
    return error(Kind::invalid, plan.lower.size(), " layers are too many for one overlay");
  TRY(sys::enter_descriptor_names());
  return sys::mount_overlay(plan.root, options.c_str());
}

Result<> bind_root(const Plan& plan) {
  const bool is_layer = !plan.lower.empty();
  const sys::MountFd copy = TRY(sys::clone_mount_at(is_layer ? plan.lower.front() : plan.root, sys::Recursive::no));
  if (is_layer) TRY(sys::change_mount(copy, attribute::kReadonly, 0, sys::Recursive::no));
  const sys::Fd target = TRY(sys::open_place(plan.root));
  return sys::attach_mount(copy, target);
}

bool lies_below(const char* path, const char* directory) {
  const std::size_t size = std::strlen(directory);
  return std::strncmp(path, directory, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

/// In /dev, /proc and /sys nothing may lead elsewhere: an image that has a symbolic link there is refused.
sys::Links links_of(const char* path) {
  const bool strict = lies_below(path, "/dev") || lies_below(path, "/proc") || lies_below(path, "/sys");
  return strict ? sys::Links::refuse : sys::Links::follow_inside;
}

Result<sys::Fd> target_of(const char* path, sys::Entry entry, const sys::Fd& root) {
  Result<sys::Fd> target = sys::ensure_in_root(root, path, entry, links_of(path));
  if (target || target.error().number() != ELOOP) return target;
  return Error(Kind::invalid, ELOOP,
               concat("the image has a symbolic link at or above '", path, "', which is refused"));
}

Result<sys::MountFd> source_of(const MountStep& step) {
  const auto recursive = step.is_recursive ? sys::Recursive::yes : sys::Recursive::no;
  if (step.subdirectory[0] == '\0') return sys::clone_mount_at(step.source, recursive);
  const sys::Fd volume = TRY(sys::open_place(step.source));
  const sys::Fd inside = TRY(sys::find_beneath(volume, step.subdirectory));
  return sys::clone_mount(inside, recursive);
}

Result<> mount_bind(const MountStep& step, const sys::Fd& root) {
  const sys::MountFd source = TRY(source_of(step));
  const sys::FileKind kind = TRY(sys::kind_of(source));
  if ((step.set | step.clear) != 0) TRY(sys::change_mount(source, step.set, step.clear, sys::Recursive::yes));
  const auto entry = kind.is_directory() ? sys::Entry::directory : sys::Entry::file;
  const sys::Fd target = TRY(target_of(step.destination, entry, root));
  return sys::attach_mount(source, target);
}

/// A tmpfs stays writable until everything that belongs into it is there; protect_paths() closes it.
std::uint64_t attributes_now(const MountStep& step) {
  return std::strcmp(step.type, "tmpfs") == 0 ? step.set & ~attribute::kReadonly : step.set;
}

Result<> mount_filesystem(const MountStep& step, const sys::Fd& root) {
  const sys::MountFd mount = TRY(sys::make_filesystem(step.type, step.options, attributes_now(step)));
  if (std::strcmp(step.destination, "/dev") == 0) TRY(fill_dev(mount));
  const sys::Fd target = TRY(target_of(step.destination, sys::Entry::directory, root));
  return sys::attach_mount(mount, target);
}

/// One hierarchy of /proc/self/cgroup, "ID:CONTROLLERS:PATH", below the tmpfs that gathers them.
Result<> mount_hierarchy(std::string controllers, std::uint64_t set, const sys::Fd& gathering) {
  const bool named = controllers.rfind("name=", 0) == 0;
  const std::string name = controllers.empty() ? "unified" : named ? controllers.substr(5) : controllers;
  std::vector<sys::FilesystemOption> options;
  if (named) options.push_back({"name", name.c_str()});
  if (!named && !controllers.empty()) {
    char* rest = nullptr;
    for (char* word = ::strtok_r(controllers.data(), ",", &rest); word != nullptr;
         word = ::strtok_r(nullptr, ",", &rest)) {
      options.push_back({word, nullptr});
      if (name != word) TRY(sys::make_link_at(gathering, word, name.c_str()));
    }
  }
  TRY(sys::make_directory_at(gathering, name.c_str()));
  const sys::Fd target = TRY(sys::find_beneath(gathering, name.c_str()));
  const sys::MountFd mount = TRY(sys::make_filesystem(options.empty() ? "cgroup2" : "cgroup", options, set));
  return sys::attach_mount(mount, target);
}

Result<> mount_hybrid_cgroups(const MountStep& step, const sys::Fd& root) {
  const sys::MountFd gathering =
      TRY(sys::make_filesystem("tmpfs", {{"mode", "755"}}, step.set & ~attribute::kReadonly));
  const sys::Fd target = TRY(target_of(step.destination, sys::Entry::directory, root));
  TRY(sys::attach_mount(gathering, target));
  const std::string table = TRY(sys::read_small("/proc/self/cgroup"));
  for (std::size_t start = 0; start < table.size();) {
    const std::size_t end = std::min(table.find('\n', start), table.size());
    const std::string line = table.substr(start, end - start);
    start = end + 1;
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    TRY(mount_hierarchy(line.substr(first + 1, second - first - 1), step.set, gathering)
            .while_doing("hierarchy '", line, "'"));
  }
  return sys::change_mount(gathering, step.set & attribute::kReadonly, 0, sys::Recursive::no);
}

/// As this cgroup namespace sees them, so that the container finds itself at the top.
Result<> mount_cgroups(const MountStep& step, const sys::Fd& root) {
  const sys::Fd host = TRY(sys::open_place("/sys/fs/cgroup"));
  const std::int64_t magic = TRY(sys::filesystem_magic(host));
  if (magic != sys::kCgroup2Magic) return mount_hybrid_cgroups(step, root);
  const sys::MountFd mount = TRY(sys::make_filesystem("cgroup2", {}, step.set));
  const sys::Fd target = TRY(target_of(step.destination, sys::Entry::directory, root));
  return sys::attach_mount(mount, target);
}

Result<> mount_one(const MountStep& step, const sys::Fd& root) {
  if (step.is_bind)
    return mount_bind(step, root).while_doing("mounting '", step.source, "' at '", step.destination, "'");
  const bool cgroups = std::strcmp(step.type, "cgroup") == 0;
  return (cgroups ? mount_cgroups(step, root) : mount_filesystem(step, root))
      .while_doing("mounting ", step.type, " at '", step.destination, "'");
}

/// Covers files with the null device and directories with one empty read-only tmpfs, which the later ones share.
class Mask {
 public:
  explicit Mask(const sys::Fd& root) : root_(root) {}

  Result<> cover(const char* path) {
    Result<sys::Fd> target = sys::find_in_root(root_, path, sys::Links::follow_inside);
    if (!target && target.error().kind() == Kind::not_found) return {};
    if (!target) return target.error();
    const sys::FileKind kind = TRY(sys::kind_of(*target));
    return kind.is_directory() ? cover_directory(*target) : cover_file(*target);
  }

 private:
  Result<> cover_directory(const sys::Fd& target) {
    if (empty_.is_open()) return sys::bind_mount(empty_, target);
    empty_ = TRY(sys::make_filesystem("tmpfs", {{"mode", "755"}, {"nr_inodes", "1"}}, attribute::kReadonly));
    return sys::attach_mount(empty_, target);
  }

  Result<> cover_file(const sys::Fd& target) {
    if (!null_.is_open()) null_ = TRY(open_null_device(root_));
    return sys::bind_mount(null_, target);
  }

  const sys::Fd& root_;
  sys::MountFd empty_;
  sys::Fd null_;
};

Result<> make_readonly(const char* path, const sys::Fd& root) {
  Result<sys::Fd> target = sys::find_in_root(root, path, sys::Links::follow_inside);
  if (!target && target.error().kind() == Kind::not_found) return {};
  if (!target) return target.error();
  const sys::MountFd copy = TRY(sys::clone_mount(*target, sys::Recursive::yes));
  TRY(sys::change_mount(copy, attribute::kReadonly, 0, sys::Recursive::yes));
  return sys::attach_mount(copy, *target);
}

Result<> close_tmpfs(const MountStep& step, const sys::Fd& root) {
  const bool waits = !step.is_bind && std::strcmp(step.type, "tmpfs") == 0 && (step.set & attribute::kReadonly) != 0;
  if (!waits) return {};
  const sys::Fd mount = TRY(target_of(step.destination, sys::Entry::directory, root));
  return sys::change_mount(mount, attribute::kReadonly, 0, sys::Recursive::no);
}

}  // namespace

Result<sys::Fd> mount_rootfs(const Plan& plan) {
  const bool one_directory = plan.upper[0] == '\0' && plan.lower.size() < 2;
  TRY(one_directory ? bind_root(plan) : mount_layers(plan));
  return sys::open_place(plan.root);
}

Result<> mount_all(const Plan& plan, const sys::Fd& root) {
  for (const MountStep& step : plan.mounts) TRY(mount_one(step, root));
  return {};
}

Result<> protect_paths(const Plan& plan, const sys::Fd& root) {
  Mask mask(root);
  for (const char* path : plan.masked) TRY(mask.cover(path).while_doing("masking '", path, "'"));
  for (const char* path : plan.readonly) TRY(make_readonly(path, root).while_doing("making '", path, "' read-only"));
  for (const MountStep& step : plan.mounts)
    TRY(close_tmpfs(step, root).while_doing("closing '", step.destination, "'"));
  if (!plan.readonly_root) return {};
  return sys::change_mount(root, attribute::kReadonly, 0, sys::Recursive::no).while_doing("making the root read-only");
}

}  // namespace tank::shim
