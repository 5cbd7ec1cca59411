// Names in a tar: cleaned once, then trusted. What comes out has no "..", no ".", no empty component and no leading
// slash, and is short enough for the kernel; resolving its symbolic links inside the layer is layer_tree's work.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tank/result.h"

namespace tank::image {

/// "a/b/c" as parent "a/b" and base "c". The layer's own root has an empty base.
struct EntryName {
  std::string parent;
  std::string base;

  bool is_root() const { return base.empty(); }
  std::string path() const { return parent.empty() ? base : parent + '/' + base; }
};

/// Absolute names lose their leading slashes, as every unpacker takes them. Kind::corrupt for an empty name, for "..",
/// for a NUL byte, for more than `max_depth` components, and for what is longer than the kernel allows.
Result<EntryName> parse_entry_name(std::string_view name, std::size_t max_depth);

/// For sentences: control characters escaped and long names cut, since an image chose them.
std::string printable(std::string_view name);

}  // namespace tank::image
