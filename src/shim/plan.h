// A container's plan in the form the child works from: options already lowered to flags, names to numbers, text lying
// zero-terminated in the mapping it was decoded from. encode.cc (the owner's side) writes it, plan.cc reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shim/bytes.h"
#include "shim/client.h"
#include "sys/mount.h"
#include "tank/result.h"

namespace tank::shim {

/// The greatest plan a shim takes; argv and environment alone may be 2 MiB (execve(2)).
inline constexpr std::size_t kMaxPlanBytes = 4UL * 1024 * 1024;
inline constexpr std::uint32_t kPlanMagic = 0x31504b54;  // "TKP1"

struct MountStep {
  const char* destination = "";
  const char* type = "";
  const char* source = "";
  const char* subdirectory = "";  ///< of a bind's source, resolved beneath it; or empty
  bool is_bind = false;
  bool is_recursive = false;
  std::uint64_t set = 0;    ///< mount_attribute bits
  std::uint64_t clear = 0;  ///< mount_attribute bits
  std::vector<sys::FilesystemOption> options;
};

struct DeviceStep {
  const char* path = "";
  std::uint32_t mode = 0;  ///< type and permissions
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
};

struct LimitStep {
  std::int32_t resource = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

struct CapabilitySets {
  std::uint64_t bounding = 0;
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t ambient = 0;
};

struct Plan {
  const char* name = "";
  bool init = false;
  bool terminal = false;
  bool no_new_privileges = false;
  bool readonly_root = false;
  std::int32_t stop_signal = 15;
  std::int64_t grace_ms = 0;

  const char* root = "";
  std::vector<const char*> lower;  ///< lowest first
  const char* upper = "";
  const char* work = "";
  std::vector<MountStep> mounts;
  std::vector<DeviceStep> devices;
  std::vector<const char*> masked;
  std::vector<const char*> readonly;
  std::vector<std::pair<const char*, const char*>> sysctl;

  std::vector<const char*> arguments;    ///< null-terminated
  std::vector<const char*> environment;  ///< null-terminated
  const char* directory = "/";
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;
  CapabilitySets capabilities;
  std::vector<LimitStep> limits;
  std::optional<std::int32_t> oom_score_adjustment;
  std::string_view seccomp;  ///< struct sock_filter array
};

/// The bytes a shim decodes. Kind::invalid names the field that makes no sense: an unknown capability, resource, mount
/// option or type, a relative path, a zero byte in a text.
Result<std::string> encode(const ContainerPlan& plan);

/// The plan inside `bytes`, which must outlive it. Kind::corrupt when they are not one.
Result<Plan> decode_plan(std::string_view bytes);

}  // namespace tank::shim
