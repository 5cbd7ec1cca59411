// A Pod as Tank understands it: what a manifest says, parsed, defaulted and checked. Plain values, no behaviour.
//
// Everything here is trusted once parse_manifests() (tank/manifest.h) or a program built it; image contents never are.
// Field names and meanings are those of Kubernetes v1 (core/v1 PodSpec) unless a comment says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tank/units.h"

namespace tank {

enum class PullPolicy : std::uint8_t { always, if_not_present, never };
enum class RestartPolicy : std::uint8_t { always, on_failure, never };
enum class Readonly : std::uint8_t { no, yes };

struct EnvVar {
  std::string name;
  std::string value;  ///< as written: $(VAR) references are expanded when the run parameters are derived
  bool operator==(const EnvVar&) const = default;
};

struct VolumeMount {
  std::string volume;  ///< name of one of the pod's volumes
  std::string path;    ///< absolute path in the container
  Readonly readonly = Readonly::no;
  std::string sub_path;  ///< relative, without "..", or empty
  bool operator==(const VolumeMount&) const = default;
};

struct Resources {
  std::optional<Millicores> cpu_limit;
  std::optional<Millicores> cpu_request;
  std::optional<Bytes> memory_limit;
  std::optional<Bytes> memory_request;
  std::optional<std::int64_t> pids_limit;  ///< annotation tank/pids-limit or tank/pids-limit.<container>
  bool operator==(const Resources&) const = default;
};

struct SeccompProfile {
  enum class Type : std::uint8_t { runtime_default, unconfined, localhost };
  Type type = Type::runtime_default;
  std::string localhost_profile;  ///< absolute path of an OCI seccomp JSON file, for localhost
  bool operator==(const SeccompProfile&) const = default;
};

/// A container's security context, the pod's values already merged in where the container leaves them open.
struct SecurityContext {
  std::optional<Id> run_as_user;               ///< unset: the image's user
  std::optional<Id> run_as_group;              ///< unset: the image's group, or the user's primary group
  bool run_as_non_root = false;                ///< refuse to start as uid 0
  std::vector<std::string> add_capabilities;   ///< "NET_ADMIN" without CAP_, or "ALL"
  std::vector<std::string> drop_capabilities;  ///< likewise
  Readonly readonly_root_filesystem = Readonly::no;
  bool allow_privilege_escalation = true;  ///< false sets no_new_privs
  bool privileged = false;
  SeccompProfile seccomp;
  bool operator==(const SecurityContext&) const = default;
};

struct Container {
  std::string name;   ///< DNS-1123 label
  std::string image;  ///< reference as written; see tank/image.h for the forms
  PullPolicy pull_policy = PullPolicy::if_not_present;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::vector<EnvVar> env;
  std::string working_dir;  ///< absolute, or empty: the image's
  bool tty = false;
  bool stdin_open = false;  ///< the field `stdin`
  std::vector<VolumeMount> mounts;
  Resources resources;
  SecurityContext security;
  bool operator==(const Container&) const = default;
};

struct HostPathVolume {
  /// hostPath.type: "" (no check), DirectoryOrCreate (0755), Directory, FileOrCreate (0644), File, Socket, CharDevice,
  /// BlockDevice.
  enum class Type : std::uint8_t {
    unchecked,
    directory_or_create,
    directory,
    file_or_create,
    file,
    socket,
    char_device,
    block_device
  };
  std::string path;  ///< absolute
  Type type = Type::unchecked;
  bool operator==(const HostPathVolume&) const = default;
};

struct EmptyDirVolume {
  enum class Medium : std::uint8_t { disk, memory };
  Medium medium = Medium::disk;
  std::optional<Bytes> size_limit;  ///< enforced as the tmpfs size for memory
  bool operator==(const EmptyDirVolume&) const = default;
};

/// A managed volume: <data_dir>/volumes/<namespace>/<claim>, created on first use and kept.
struct ClaimVolume {
  std::string claim;
  Readonly readonly = Readonly::no;
  bool operator==(const ClaimVolume&) const = default;
};

struct Volume {
  std::string name;
  std::variant<EmptyDirVolume, HostPathVolume, ClaimVolume> source;
  bool operator==(const Volume&) const = default;
};

struct HostAlias {
  IpAddress ip;
  std::vector<std::string> hostnames;
  bool operator==(const HostAlias&) const = default;
};

/// Lines of a resolv.conf(5).
struct DnsConfig {
  std::vector<IpAddress> nameservers;
  std::vector<std::string> searches;
  std::vector<std::string> options;  ///< "ndots:2", "edns0"
  bool operator==(const DnsConfig&) const = default;
};

enum class DnsPolicy : std::uint8_t { cluster_first, cluster_first_with_host_net, default_, none };

struct Route {
  IpPrefix destination;
  std::optional<IpAddress> gateway;
  bool operator==(const Route&) const = default;
};

/// One extra interface of a pod, resolved from the k8s.v1.cni.cncf.io/networks annotation and the
/// NetworkAttachmentDefinition it names (CNI type "macvlan" with "static" ipam).
struct Nic {
  enum class Mode : std::uint8_t { bridge, private_, vepa, passthru };
  std::string network;          ///< <namespace>/<name> of the definition
  std::string interface;        ///< name inside the pod, 1 … 15 bytes: net1, net2, … unless given
  std::string parent = "auto";  ///< host interface, or "auto": the one of the host's default route
  Mode mode = Mode::bridge;
  std::optional<std::uint32_t> mtu;
  std::optional<MacAddress> mac;
  std::vector<IpPrefix> addresses;
  std::vector<IpAddress> gateways;  ///< default routes, at most one a family
  std::vector<Route> routes;
  DnsConfig dns;
  bool operator==(const Nic&) const = default;
};

struct Sysctl {
  std::string
      name;  ///< dotted, one of the pod's own namespaces: net.*, kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*
  std::string value;
  bool operator==(const Sysctl&) const = default;
};

struct Pod {
  std::string name;                    ///< DNS-1123 subdomain
  std::string name_space = "default";  ///< DNS-1123 label
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;

  std::vector<Container> containers;  ///< one or more; names unique
  std::vector<Volume> volumes;
  RestartPolicy restart_policy = RestartPolicy::always;
  std::chrono::seconds termination_grace{30};
  bool init = false;  ///< annotation tank/init: "true"

  bool host_network = false;
  std::vector<Nic> nics;  ///< none: only the loopback interface
  std::string hostname;   ///< empty: the pod's name cut to 63 bytes
  std::vector<HostAlias> host_aliases;
  DnsPolicy dns_policy = DnsPolicy::cluster_first;
  DnsConfig dns;

  std::vector<Id> supplemental_groups;
  std::optional<Id> fs_group;
  std::vector<Sysctl> sysctls;
  bool operator==(const Pod&) const = default;
};

/// "namespace/name".
inline std::string to_string_key(const Pod& pod) { return pod.name_space + "/" + pod.name; }

}  // namespace tank
