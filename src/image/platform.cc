#include "image/platform.h"

#include <array>

#include "sys/machine.h"
#include "tank/result.h"

namespace tank::image {

namespace {

struct Machine {
  std::string_view name;
  std::string_view architecture;
  std::string_view variant;
};

// An empty variant is the architecture's baseline.
constexpr std::array<Machine, 13> kMachines{{
    {"x86_64", "amd64", "v1"},
    {"i386", "386", ""},
    {"i486", "386", ""},
    {"i586", "386", ""},
    {"i686", "386", ""},
    {"aarch64", "arm64", "v8"},
    {"armv7l", "arm", "v7"},
    {"armv8l", "arm", "v7"},
    {"armv6l", "arm", "v6"},
    {"armv5tel", "arm", "v5"},
    {"ppc64le", "ppc64le", ""},
    {"loongarch64", "loong64", ""},
    {"mips64", "mips64", ""},
}};

// arm without a variant is taken as v7, as image builders mean it; but any arm machine may try it, ranked last.
std::optional<int> match_arm(std::string_view offered, std::string_view host) {
  if (offered.empty()) return 0;
  if (offered.size() != 2 || offered[0] != 'v' || host.size() != 2) return std::nullopt;
  const int wanted = offered[1] - '0';
  if (wanted < 5 || wanted > host[1] - '0') return std::nullopt;
  return wanted;
}

}  // namespace

std::string to_string(const Platform& platform) {
  std::string out = platform.os + "/" + platform.architecture;
  if (!platform.variant.empty()) out += "/" + platform.variant;
  return out;
}

Platform platform_of_machine(std::string_view machine) {
  for (const Machine& known : kMachines) {
    if (known.name == machine) return {"linux", std::string(known.architecture), std::string(known.variant)};
  }
  return {"linux", std::string(machine), ""};
}

Platform host_platform() { return platform_of_machine(sys::machine_name()); }

std::optional<int> match_platform(const Platform& offered, const Platform& host) {
  if (offered.os != host.os || offered.architecture != host.architecture) return std::nullopt;
  if (host.architecture == "arm") return match_arm(offered.variant, host.variant);
  if (offered.variant == host.variant) return 2;
  if (offered.variant.empty()) return 1;
  return std::nullopt;
}

}  // namespace tank::image
