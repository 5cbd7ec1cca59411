#include "rootfs/plan.h"

#include <algorithm>
#include <map>

namespace tank::rootfs {

namespace {

using std::filesystem::path;

/// The size Docker and containerd give /dev/shm.
constexpr std::int64_t kSharedMemory = std::int64_t{64} << 20U;

/// Names come parsed, but become path components here, and a bad one must not remove somebody else's tree.
Result<> check_component(const char* what, const std::string& name) {
  if (!name.empty() && name[0] != '_' && name != "." && name != ".." &&
      name.find_first_of(std::string("/\0", 2)) == std::string::npos)
    return {};
  return error(Kind::invalid, what, " '", name, "' cannot name a directory");
}

Result<std::string> clean_sub_path(const VolumeMount& mount) {
  const path normal = path(mount.sub_path).lexically_normal();
  const bool leaves = std::find(normal.begin(), normal.end(), path("..")) != normal.end();
  if (normal.is_absolute() || leaves || mount.sub_path.find('\0') != std::string::npos) {
    return error(Kind::invalid, "subPath '", mount.sub_path, "' of volume '", mount.volume, "' leaves the volume");
  }
  std::string out = normal.native();
  while (out.ends_with('/')) out.pop_back();
  return out == "." ? std::string() : out;
}

/// Where a volume stands on the host.
struct Place {
  path root;
  Readonly readonly = Readonly::no;
  std::size_t memory = SIZE_MAX;  ///< index in Plan::memory
};

class Planner {
 public:
  Planner(const Pod& pod, const Directories& directories) : pod_(pod), directories_(directories) {}

  Result<Plan> make(const std::vector<Image>& images, const EtcFiles& etc) {
    TRY(check_component("pod uid", directories_.uid));
    directory(directories_.data_dir);
    directory(directories_.data_dir / "pods");
    directory(pod_data_dir(directories_));
    directory(directories_.run_dir);
    directory(directories_.run_dir / "root");
    add_etc(etc);
    for (const Volume& volume : pod_.volumes) TRY(add_volume(volume).while_doing("volume '", volume.name, "'"));
    if (pod_.containers.size() > 1) share_memory();
    for (std::size_t i = 0; i < pod_.containers.size(); ++i) {
      TRY(add_container(pod_.containers[i], images[i]).while_doing("container '", pod_.containers[i].name, "'"));
    }
    return std::move(plan_);
  }

 private:
  void directory(const path& at, mode_t mode = 0700, Keep keep = Keep::no) {
    plan_.directories.push_back({at, mode, keep});
  }

  void add_etc(const EtcFiles& etc) {
    const path at = directories_.run_dir / "etc";
    directory(at);
    plan_.files.push_back({at / "hosts", etc.hosts});
    plan_.files.push_back({at / "hostname", etc.hostname});
    plan_.files.push_back({at / "resolv.conf", etc.resolv_conf});
  }

  Result<> add_volume(const Volume& volume) {
    TRY(check_component("volume", volume.name));
    if (const auto* host = std::get_if<HostPathVolume>(&volume.source)) {
      plan_.host_paths.push_back(*host);
      places_[volume.name] = {host->path, Readonly::no};
      return {};
    }
    if (const auto* claim = std::get_if<ClaimVolume>(&volume.source)) return add_claim(volume, *claim);
    const auto& empty = std::get<EmptyDirVolume>(volume.source);
    if (empty.medium == EmptyDirVolume::Medium::memory) {
      add_memory(volume, empty);
    } else {
      add_empty(volume);
    }
    return {};
  }

  Result<> add_claim(const Volume& volume, const ClaimVolume& claim) {
    TRY(check_component("claim", claim.claim));
    TRY(check_component("namespace", pod_.name_space));
    const path all = directories_.data_dir / "volumes";
    directory(all, 0700, Keep::yes);
    directory(all / pod_.name_space, 0700, Keep::yes);
    directory(all / pod_.name_space / claim.claim, 0755, Keep::yes);
    own_by_group(all / pod_.name_space / claim.claim);
    places_[volume.name] = {all / pod_.name_space / claim.claim, claim.readonly};
    return {};
  }

  void add_empty(const Volume& volume) {
    const path all = pod_data_dir(directories_) / "_volumes";
    directory(all);
    directory(all / volume.name, 0777);
    own_by_group(all / volume.name);
    places_[volume.name] = {all / volume.name, Readonly::no};
  }

  void add_memory(const Volume& volume, const EmptyDirVolume& empty) {
    MemoryVolume memory;
    memory.path = directories_.run_dir / "memory" / volume.name;
    memory.size = empty.size_limit;
    memory.mode = pod_.fs_group ? 02777 : 0777;
    memory.gid = pod_.fs_group.value_or(Id{0});
    directory(directories_.run_dir / "memory");
    directory(memory.path);
    places_[volume.name] = {memory.path, Readonly::no, plan_.memory.size()};
    plan_.memory.push_back(std::move(memory));
  }

  /// Containers that share their ipc namespace expect POSIX shared memory, which is files in /dev/shm, to be shared
  /// too.
  void share_memory() {
    const path at = directories_.run_dir / "shm";
    directory(at);
    plan_.memory.push_back({at, Bytes{kSharedMemory}, 01777, Id{0}, {}});
    shared_memory_ = at;
  }

  void own_by_group(const path& volume) {
    if (pod_.fs_group) plan_.group_owned.push_back({volume, *pod_.fs_group});
  }

  Result<> add_container(const Container& container, const Image& image) {
    TRY(check_component("container", container.name));
    const path own = pod_data_dir(directories_) / container.name;
    ContainerFiles out;
    out.name = container.name;
    out.root = directories_.run_dir / "root" / container.name;
    out.upper = own / "upper";
    out.work = own / "work";
    if (!image.layers.empty()) out.top_layer = image.layers.back();
    directory(out.root);
    directory(own);
    directory(out.upper, 0755);
    directory(out.work);
    add_standard_mounts(container, out.mounts);
    for (const VolumeMount& mount : container.mounts) TRY(add_mount(mount, out.mounts));
    plan_.containers.push_back(std::move(out));
    return {};
  }

  /// The pod's /etc files and shared memory, each but where the manifest puts a volume in its place.
  void add_standard_mounts(const Container& container, std::vector<oci::Mount>& out) const {
    const bool locked = container.security.readonly_root_filesystem == Readonly::yes;
    const auto add = [&](const std::string& destination, const path& source, std::vector<std::string> options) {
      const auto same = [&](const VolumeMount& mount) { return mount.path == destination; };
      if (std::any_of(container.mounts.begin(), container.mounts.end(), same)) return;
      out.push_back({destination, "bind", source, std::move(options)});
    };
    for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
      add(concat("/etc/", name), directories_.run_dir / "etc" / name, {"bind", "rprivate", locked ? "ro" : "rw"});
    }
    if (!shared_memory_.empty()) add("/dev/shm", shared_memory_, {"bind", "rprivate", "nosuid", "noexec", "nodev"});
  }

  Result<> add_mount(const VolumeMount& mount, std::vector<oci::Mount>& out) {
    const auto place = places_.find(mount.volume);
    if (place == places_.end())
      return error(Kind::invalid, "mounting '", mount.path, "': the pod has no volume '", mount.volume, "'");
    const auto& [root, readonly, memory] = place->second;
    const bool locked = mount.readonly == Readonly::yes || readonly == Readonly::yes;
    oci::Mount bound{mount.path, "bind", root, {"rbind", "rprivate", locked ? "ro" : "rw"}};
    const std::string below = TRY(clean_sub_path(mount));
    if (!below.empty()) {
      bound.options.push_back(oci::kSubdirectoryOption + below);
      if (memory != SIZE_MAX) plan_.memory[memory].sub_paths.push_back(below);
      if (memory == SIZE_MAX) plan_.sub_paths.push_back({root, below});
    }
    out.push_back(std::move(bound));
    return {};
  }

  const Pod& pod_;
  const Directories& directories_;
  Plan plan_;
  std::map<std::string, Place> places_;
  path shared_memory_;
};

}  // namespace

path pod_data_dir(const Directories& directories) { return directories.data_dir / "pods" / directories.uid; }

Result<Plan> plan(const Pod& pod, const std::vector<Image>& images, const Directories& directories,
                  const EtcFiles& etc) {
  if (images.size() != pod.containers.size()) {
    return error(Kind::bug, "planning the files of ", pod.containers.size(), " containers with ", images.size(),
                 " images");
  }
  return Planner(pod, directories).make(images, etc);
}

}  // namespace tank::rootfs
