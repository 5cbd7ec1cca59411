// Whiteouts: how a layer says that something of the layers below is gone. A tar says it with names that begin in ".wh."
// (OCI image-spec, layer.md); overlayfs says it with 0:0 character devices and an extended attribute (kernel,
// Documentation/filesystems/overlayfs.rst). This is the pure part: which name means what, and what to do about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sys/inode.h"
#include "tank/result.h"

namespace tank::image {

struct Whiteout {
  enum class Form : std::uint8_t {
    none,        ///< an ordinary name
    hides,       ///< .wh.NAME: `target` of the layers below is gone
    opaque,      ///< .wh..wh..opq: everything of the layers below in this directory is gone
    bookkeeping  ///< another .wh..wh. name, which aufs kept for itself: to be passed over
  };
  Form form = Form::none;
  std::string target;
};

/// What the last component of an entry's name means. Kind::corrupt when it hides nothing that could exist (".wh.",
/// ".wh..", ".wh...").
Result<Whiteout> classify_name(std::string_view base);

/// True for a path component that only a whiteout may have: no directory can be called so.
bool is_reserved_name(std::string_view component);

/// What hiding a name takes, given what this layer itself already has under it. A whiteout means the layers below and
/// never its own layer, so the order of the entries does not count.
enum class Hiding : std::uint8_t {
  make_whiteout,  ///< nothing there: a 0:0 character device
  make_opaque,    ///< a directory: it must not merge with one below
  nothing         ///< a file hides what is below by being there
};
Hiding plan_hiding(const std::optional<sys::FileStatus>& present);

/// overlayfs' whiteout: a character device 0:0.
bool is_overlay_whiteout(const sys::FileStatus& status);

inline constexpr std::string_view kOpaqueAttribute = "trusted.overlay.opaque";
inline constexpr std::string_view kOpaqueValue = "y";

/// Whether an extended attribute of an image is set on our disk. user.*, trusted.*, security.capability and POSIX ACLs
/// are; the labels of this machine's own policies (security.selinux, security.ima, …) are not an image's to give, and
/// neither is anything that overlayfs would read as its own.
bool keeps_attribute(std::string_view name);

}  // namespace tank::image
