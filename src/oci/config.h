// The OCI runtime configuration (runtime-spec 1.0, config.md and config-linux.md) as plain values: what a container is
// to run as. Only what Tank sets; to_json() writes it in the standard's form.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tank::oci {

struct Rlimit {
  std::string type;  ///< RLIMIT_NOFILE, …
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> additional_gids;  ///< sorted, unique
};

/// Capability names with CAP_, sorted.
struct Capabilities {
  std::vector<std::string> bounding;
  std::vector<std::string> effective;
  std::vector<std::string> permitted;
  std::vector<std::string> inheritable;
  std::vector<std::string> ambient;
};

struct Process {
  bool terminal = false;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd = "/";
  Capabilities capabilities;
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  std::optional<int> oom_score_adj;
};

struct Root {
  std::string path;  ///< where the overlay is mounted in the container's mount namespace before the pivot
  bool readonly = false;
};

/// Option of a bind mount, named as mount(8) has it: not `source` itself is mounted but what this path leads to inside
/// it. The workload can write there, so the path must be resolved in the moment of mounting and used by descriptor: a
/// symbolic link swapped in must not lead out (CVE-2017-1002101, CVE-2021-25741). config.json shows the joined path.
inline constexpr const char* kSubdirectoryOption = "X-mount.subdir=";

/// One mount, in order. Types: bind, proc, sysfs, tmpfs, devpts, mqueue, cgroup.
struct Mount {
  std::string destination;  ///< absolute in the container
  std::string type;
  std::string source;                ///< host path for bind
  std::vector<std::string> options;  ///< ro, nosuid, nodev, noexec, rbind, bind, mode=1777, size=65536k, …
};

struct Device {
  char type = 'c';
  std::string path;
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::uint32_t file_mode = 0666;
};

/// One device cgroup rule; unset numbers and type 'a' match all.
struct DeviceRule {
  bool allow = false;
  char type = 'a';
  std::optional<std::int64_t> major;
  std::optional<std::int64_t> minor;
  std::string access = "rwm";
};

struct Resources {
  std::vector<DeviceRule> devices;           ///< in order, the last match wins
  std::optional<std::int64_t> memory_limit;  ///< bytes
  std::optional<std::int64_t> memory_swap;   ///< memory plus swap, bytes
  std::optional<std::int64_t> memory_reservation;
  std::optional<std::uint64_t> cpu_shares;  ///< v1 scale, 2 … 262144
  std::optional<std::int64_t> cpu_quota;    ///< microseconds per period
  std::optional<std::uint64_t> cpu_period;  ///< microseconds
  std::optional<std::int64_t> pids_limit;
};

struct SeccompArg {
  unsigned index = 0;
  std::uint64_t value = 0;
  std::uint64_t value_two = 0;
  std::string op;  ///< SCMP_CMP_EQ, SCMP_CMP_MASKED_EQ, …
};

struct SeccompRule {
  std::vector<std::string> names;
  std::string action;  ///< SCMP_ACT_ALLOW, SCMP_ACT_ERRNO, …
  std::optional<unsigned> errno_ret;
  std::vector<SeccompArg> args;
};

struct Seccomp {
  std::string default_action;
  std::optional<unsigned> default_errno_ret;
  std::vector<std::string> architectures;  ///< SCMP_ARCH_X86_64, …
  std::vector<SeccompRule> rules;
};

struct Namespace {
  std::string type;  ///< pid, network, mount, ipc, uts, cgroup
  std::string path;  ///< empty: a fresh one
};

struct Linux {
  std::vector<Namespace> namespaces;
  std::vector<Device> devices;
  Resources resources;
  std::string cgroups_path;
  std::optional<Seccomp> seccomp;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::map<std::string, std::string> sysctl;
};

struct Config {
  Process process;
  Root root;
  std::string hostname;
  std::vector<Mount> mounts;
  Linux linux_;
  std::map<std::string, std::string> annotations;
};

/// The config.json text, keys as the specification names them, indented for readers.
std::string to_json(const Config& config);

}  // namespace tank::oci
