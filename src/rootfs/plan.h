// Where a pod's files stand on the host, and what of them is mounted where in its containers. Pure: names in, names
// out.
//
//     <data_dir>/pods/<uid>/<container>/{upper,work}   writable layers, gone with the pod
//     <data_dir>/pods/<uid>/_volumes/<name>            emptyDir volumes on disk, gone with the pod; no container's name
//                                                      can begin with "_"
//     <data_dir>/volumes/<namespace>/<claim>           claims, kept
//     <run_dir>/etc/{hosts,hostname,resolv.conf}       shared by the pod's containers
//     <run_dir>/root/<container>                       where a container's root is mounted, in its namespace
//     <run_dir>/memory/<name>                          where emptyDir volumes of medium Memory are mounted, in the
//                                                      shim's namespace; <run_dir>/shm is the pod's /dev/shm
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "oci/config.h"
#include "tank/image.h"
#include "tank/pod.h"
#include "tank/result.h"
#include "tank/units.h"

namespace tank::rootfs {

struct Directories {
  std::filesystem::path data_dir;
  std::filesystem::path run_dir;  ///< the pod's own
  std::string uid;                ///< one path component
};

/// Contents of the pod's /etc files, as the network room makes them.
struct EtcFiles {
  std::string hosts;
  std::string hostname;
  std::string resolv_conf;
};

/// Will the directory have to survive a power cut?
enum class Keep : std::uint8_t { no, yes };

/// A directory to be made when missing. What stands there already keeps its mode.
struct MakeDirectory {
  std::filesystem::path path;
  mode_t mode = 0700;
  Keep keep = Keep::no;
  bool operator==(const MakeDirectory&) const = default;
};

struct WriteFile {
  std::filesystem::path path;
  std::string content;
  bool operator==(const WriteFile&) const = default;
};

/// A path inside a volume that must be there, made as directories when it is not.
struct SubPath {
  std::filesystem::path volume;
  std::string path;  ///< relative
  bool operator==(const SubPath&) const = default;
};

/// A volume whose files must belong to the pod's group.
struct GroupOwned {
  std::filesystem::path volume;
  Id gid;
  bool operator==(const GroupOwned&) const = default;
};

/// A tmpfs all containers of the pod share. Its mount must not appear in the host's table and must outlive the owner,
/// so the shim holds it: apply() makes it, detached, and the shim attaches it at `path` in a mount namespace of its
/// own, from which the containers are cloned.
struct MemoryVolume {
  std::filesystem::path path;
  std::optional<Bytes> size;
  mode_t mode = 0777;
  Id gid;
  std::vector<std::string> sub_paths;
  bool operator==(const MemoryVolume&) const = default;
};

/// One container's part.
struct ContainerFiles {
  std::string name;
  std::filesystem::path root;   ///< mount point of its root
  std::filesystem::path upper;  ///< of its overlay
  std::filesystem::path work;
  std::filesystem::path top_layer;  ///< whose own attributes the root directory takes over
  std::vector<oci::Mount> mounts;   ///< /etc files and volumes, for oci::lower
};

struct Plan {
  std::vector<MakeDirectory> directories;  ///< in order
  std::vector<WriteFile> files;
  std::vector<HostPathVolume> host_paths;
  std::vector<GroupOwned> group_owned;
  std::vector<SubPath> sub_paths;  ///< after group_owned
  std::vector<MemoryVolume> memory;
  std::vector<ContainerFiles> containers;  ///< in the pod's order
};

/// `images` are those of the pod's containers, in order. Error kinds: invalid (a mount of a volume the pod does not
/// have, a subPath that leaves its volume).
Result<Plan> plan(const Pod& pod, const std::vector<Image>& images, const Directories& directories,
                  const EtcFiles& etc);

/// What belongs to this pod alone, and goes with it.
std::filesystem::path pod_data_dir(const Directories& directories);

}  // namespace tank::rootfs
