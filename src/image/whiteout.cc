#include "image/whiteout.h"

namespace tank::image {

namespace {

constexpr std::string_view kPrefix = ".wh.";
constexpr std::string_view kBookkeepingPrefix = ".wh..wh.";
constexpr std::string_view kOpaqueName = ".wh..wh..opq";

}  // namespace

Result<Whiteout> classify_name(std::string_view base) {
  if (!base.starts_with(kPrefix)) return Whiteout{};
  if (base == kOpaqueName) return Whiteout{Whiteout::Form::opaque, {}};
  if (base.starts_with(kBookkeepingPrefix)) return Whiteout{Whiteout::Form::bookkeeping, {}};
  const std::string_view target = base.substr(kPrefix.size());
  if (target.empty() || target == "." || target == "..") {
    return error(Kind::corrupt, "whiteout '", base, "' names nothing that could be hidden");
  }
  return Whiteout{Whiteout::Form::hides, std::string(target)};
}

bool is_reserved_name(std::string_view component) { return component.starts_with(kPrefix); }

Hiding plan_hiding(const std::optional<sys::FileStatus>& present) {
  if (!present) return Hiding::make_whiteout;
  return present->type == sys::FileType::directory ? Hiding::make_opaque : Hiding::nothing;
}

bool is_overlay_whiteout(const sys::FileStatus& status) {
  return status.type == sys::FileType::character && status.device_major == 0 && status.device_minor == 0;
}

bool keeps_attribute(std::string_view name) {
  if (name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.")) return false;
  if (name == "security.capability") return true;
  if (name == "system.posix_acl_access" || name == "system.posix_acl_default") return true;
  return name.starts_with("user.") || name.starts_with("trusted.");
}

}  // namespace tank::image
