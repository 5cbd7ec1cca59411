#include "rootfs/sub_path.h"

#include <fcntl.h>

#include "sys/file.h"
#include "sys/node.h"

namespace tank::rootfs {

namespace {

/// One component, made when missing, opened. Only its own name is made: mkdirat(2) does not follow a link there, and
/// the parent is held by descriptor.
Result<sys::Fd> step(const sys::Fd& volume, const sys::Fd& parent, const std::string& so_far, const std::string& name) {
  constexpr mode_t kMode = 0755;
  Result<sys::Fd> found = sys::open_in_root(volume, so_far, O_PATH);
  if (found || found.error().number() != ENOENT) return found;
  const Result<> made = sys::make_dir_at(parent, name, kMode);
  if (!made && made.error().number() != EEXIST) return made.error();
  sys::Fd fd = TRY(sys::open_in_root(volume, so_far, O_PATH));
  if (made) TRY(sys::set_node_mode(fd, kMode));
  return fd;
}

}  // namespace

Result<> ensure_sub_path(const sys::Fd& volume, const std::string& path) {
  sys::Fd parent = TRY(sys::open_in_root(volume, ".", O_PATH | O_DIRECTORY));
  std::string so_far;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || name == ".") continue;
    so_far += (so_far.empty() ? "" : "/") + name;
    parent = TRY(step(volume, parent, so_far, name).while_doing("making subPath '", path, "'"));
  }
  return {};
}

}  // namespace tank::rootfs
