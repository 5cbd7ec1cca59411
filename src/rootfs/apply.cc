#include "rootfs/apply.h"

#include <fcntl.h>

#include "rootfs/group_owner.h"
#include "rootfs/sub_path.h"
#include "sys/file.h"
#include "sys/node.h"
#include "sys/tmpfs.h"

namespace tank::rootfs {

namespace {

using std::filesystem::path;
using Type = HostPathVolume::Type;

constexpr mode_t kPrivate = 0700;

/// mkdir(2) subtracts the umask, which must not decide what a volume's users may do.
Result<> set_mode(const path& at, mode_t mode) {
  const sys::Fd fd = TRY(sys::open_path(at, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  const sys::NodeStatus given = TRY(sys::node_of(fd));
  return given.mode == mode ? Result<>{} : sys::set_node_mode(fd, mode);
}

Result<> make_directory(const MakeDirectory& wanted) {
  // The parents are in the plan, before this one; only the data and run directories' own may be missing.
  const sys::DirFd here(AT_FDCWD);
  Result<> made = sys::make_dir_at(here, wanted.path, wanted.mode);
  if (!made && made.error().number() == EEXIST) return sys::ensure_dir(wanted.path, wanted.mode);
  if (!made && made.error().number() == ENOENT) made = sys::ensure_dir(wanted.path, wanted.mode);
  TRY(std::move(made));
  if (wanted.mode != kPrivate) TRY(set_mode(wanted.path, wanted.mode));
  return wanted.keep == Keep::yes ? sys::sync_dir(wanted.path.parent_path()) : Result<>{};
}

const char* name_of(Type type) {
  switch (type) {
    case Type::directory:
    case Type::directory_or_create: return "directory";
    case Type::file:
    case Type::file_or_create: return "file";
    case Type::socket: return "socket";
    case Type::char_device: return "character device";
    case Type::block_device: return "block device";
    case Type::unchecked: break;
  }
  return "path";
}

bool is_of(sys::NodeStatus::Type found, Type wanted) {
  using Found = sys::NodeStatus::Type;
  switch (wanted) {
    case Type::unchecked: return true;
    case Type::directory:
    case Type::directory_or_create: return found == Found::directory;
    case Type::file:
    case Type::file_or_create: return found == Found::regular;
    case Type::socket: return found == Found::socket;
    case Type::char_device: return found == Found::char_device;
    case Type::block_device: return found == Found::block_device;
  }
  return false;
}

/// Missing: an unchecked path becomes a directory, as container runtimes have always made it.
Result<> make_host_path(const HostPathVolume& volume) {
  if (volume.type == Type::file_or_create) {
    constexpr mode_t kFileMode = 0644;
    const Result<sys::Fd> made = sys::open_path(volume.path, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY, kFileMode);
    return made ? Result<>{} : Result<>(made.error());
  }
  if (volume.type == Type::directory_or_create || volume.type == Type::unchecked) {
    return sys::ensure_dir(volume.path, 0755);
  }
  return error(Kind::not_found, "there is no such ", name_of(volume.type));
}

Result<> check_host_path(const HostPathVolume& volume) {
  const auto found = TRY(sys::find_node(volume.path));
  if (!found) return make_host_path(volume);
  if (is_of(found->type, volume.type)) return {};
  return error(Kind::exists, "it is not a ", name_of(volume.type));
}

/// The root directory of an overlay shows its upper layer's attributes, so that one takes over the image's.
Result<> take_over_attributes(const ContainerFiles& container) {
  if (container.top_layer.empty()) return {};
  const sys::Fd from = TRY(sys::open_path(container.top_layer, O_PATH | O_DIRECTORY));
  const sys::Fd to = TRY(sys::open_path(container.upper, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  const sys::NodeStatus wanted = TRY(sys::node_of(from));
  const sys::NodeStatus given = TRY(sys::node_of(to));
  if (wanted.uid != given.uid || wanted.gid != given.gid) TRY(sys::set_node_owner(to, wanted.uid, wanted.gid));
  if (wanted.mode != given.mode) TRY(sys::set_node_mode(to, wanted.mode));
  return {};
}

Result<HeldMount> make_memory(const MemoryVolume& volume) {
  sys::TmpfsOptions options;
  // A size of 0 would mean no limit to tmpfs; the least it can hold is a page.
  if (volume.size) options.size = static_cast<std::uint64_t>(std::max<std::int64_t>(volume.size->count, 4096));
  options.mode = volume.mode;
  options.gid = volume.gid.value;
  sys::MountFd mount = TRY(sys::make_tmpfs(options));
  for (const std::string& below : volume.sub_paths) TRY(ensure_sub_path(mount, below));
  return HeldMount{volume.path, std::move(mount)};
}

/// In place: containers have the file itself mounted, not its name.
Result<> write_etc(const WriteFile& file) {
  constexpr mode_t kForEverybody = 0644;
  const sys::Fd fd = TRY(sys::open_path(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, kForEverybody));
  const sys::NodeStatus given = TRY(sys::node_of(fd));
  if (given.mode != kForEverybody) TRY(sys::set_node_mode(fd, kForEverybody));
  return sys::write_all(fd, file.content).while_doing("writing '", file.path.native(), "'");
}

}  // namespace

Result<std::vector<HeldMount>> apply(const Plan& plan) {
  for (const HostPathVolume& volume : plan.host_paths) {
    TRY(check_host_path(volume).while_doing("checking host path '", volume.path, "'"));
  }
  for (const MakeDirectory& directory : plan.directories) TRY(make_directory(directory));
  for (const WriteFile& file : plan.files) TRY(write_etc(file));
  for (const ContainerFiles& container : plan.containers) {
    TRY(take_over_attributes(container).while_doing("preparing the root of container '", container.name, "'"));
  }
  for (const GroupOwned& owned : plan.group_owned) {
    TRY(own_by_group(owned.volume, owned.gid)
            .while_doing("giving '", owned.volume.native(), "' to group ", owned.gid.value));
  }
  for (const SubPath& sub : plan.sub_paths) {
    const sys::DirFd volume = TRY(sys::open_dir(sub.volume));
    TRY(ensure_sub_path(volume, sub.path).while_doing("in volume '", sub.volume.native(), "'"));
  }
  std::vector<HeldMount> held;
  for (const MemoryVolume& volume : plan.memory) {
    HeldMount mount = TRY(make_memory(volume).while_doing("volume '", volume.path.filename().native(), "'"));
    held.push_back(std::move(mount));
  }
  return held;
}

Result<> renew(const ContainerFiles& container) {
  TRY(sys::remove_tree(container.upper));
  TRY(sys::remove_tree(container.work));
  TRY(make_directory({container.upper, 0755, Keep::no}));
  TRY(make_directory({container.work, kPrivate, Keep::no}));
  return take_over_attributes(container).while_doing("preparing the root of container '", container.name, "'");
}

Result<> undo(const Directories& directories) {
  if (directories.uid.empty() || directories.uid == "." || directories.uid == ".." ||
      directories.uid.find('/') != std::string::npos) {
    return error(Kind::invalid, "removing the files of pod '", directories.uid, "': that is not a pod's uid");
  }
  Result<> out;
  const auto remove = [&](const path& tree) {
    Result<> removed = sys::remove_tree(tree);
    if (!removed && out)
      out = std::move(removed);
    else if (!removed)
      out.error().add_undo_error(std::move(removed.error()));
  };
  remove(pod_data_dir(directories));
  for (const char* name : {"etc", "root", "memory", "shm"}) remove(directories.run_dir / name);
  return out;
}

}  // namespace tank::rootfs
