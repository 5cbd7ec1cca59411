#include "image/layer_tree.h"

#include <fcntl.h>

#include <algorithm>

#include "image/whiteout.h"
#include "sys/file.h"

namespace tank::image {

namespace {

// Entries of one directory mostly follow each other, with those of its children between: a few places are enough.
constexpr std::size_t kPlacesKept = 64;
// A resolution costs a few system calls per step, and links let one short name take very many of them.
constexpr unsigned kMaxSteps = 1024;
constexpr unsigned kMaxLinks = 40;  // the kernel's own limit (path_resolution(7))

std::string join(const std::vector<std::string>& components) {
  std::string path;
  for (const std::string& component : components) {
    if (!path.empty()) path += '/';
    path += component;
  }
  return path;
}

/// Pushes the components of a path so that the first comes out first.
void push(std::vector<std::string>& todo, std::string_view path) {
  std::vector<std::string> components;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view component = path.substr(begin, end - begin);
    if (!component.empty() && component != ".") components.emplace_back(component);
    begin = end + 1;
  }
  todo.insert(todo.end(), components.rbegin(), components.rend());
}

}  // namespace

/// Where a resolution stands.
struct LayerTree::Walk {
  std::vector<std::string> todo;  ///< components to come, the next one last
  std::vector<std::string> path;  ///< components passed, without links
  sys::DirFd here;
  unsigned links = 0;
  unsigned steps = 0;
};

LayerTree::LayerTree(sys::DirFd root, std::size_t max_depth) : root_(std::move(root)), max_depth_(max_depth) {}

Result<std::shared_ptr<const Place>> LayerTree::find_parent(const std::string& parent, Missing missing) {
  const auto kept = places_.find(parent);
  if (kept != places_.end()) return kept->second;
  std::shared_ptr<const Place> place = TRY(open_place(parent, missing));
  if (places_.size() >= kPlacesKept) places_.clear();
  places_.emplace(parent, place);
  return place;
}

Result<std::shared_ptr<const Place>> LayerTree::open_place(const std::string& parent, Missing missing) {
  Result<sys::Fd> straight = sys::open_beneath(root_, parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
  if (straight) {
    return std::make_shared<const Place>(Place{sys::DirFd(straight->release()), parent});
  }
  // Not there, or through a symbolic link, or not a directory: the slow way finds out which.
  Walk walk;
  push(walk.todo, parent);
  walk.here = TRY(sys::open_dir_at(root_, "."));
  while (!walk.todo.empty()) {
    TRY(step(walk, missing).while_doing("resolving '", printable(parent), "' inside the layer"));
  }
  return std::make_shared<const Place>(Place{std::move(walk.here), join(walk.path)});
}

Result<> LayerTree::step(Walk& walk, Missing missing) {
  if (++walk.steps > kMaxSteps) return error(Kind::corrupt, "its symbolic links make too long a path");
  const std::string component = std::move(walk.todo.back());
  walk.todo.pop_back();
  if (component == "..") return go_up(walk);
  const Result<sys::FileStatus> status = sys::status_at(walk.here, component);
  if (!status && status.error().number() != ENOENT) return status.error();
  if (!status || is_overlay_whiteout(*status)) {
    if (missing == Missing::fail) {
      return error(Kind::not_found, "there is no '", printable(component), "'");
    }
    TRY(create(walk, component, status ? std::optional(*status) : std::nullopt));
    return enter(walk, component);
  }
  if (status->type == sys::FileType::symlink) return follow(walk, component);
  if (status->type == sys::FileType::directory) return enter(walk, component);
  return error(Kind::corrupt, "'", printable(component), "' is a ", to_string(status->type), ", not a directory");
}

Result<> LayerTree::enter(Walk& walk, const std::string& component) const {
  walk.path.push_back(component);
  if (walk.path.size() > max_depth_) {
    return error(Kind::corrupt, "it leads more than ", max_depth_, " directories deep");
  }
  walk.here = TRY(sys::open_dir_at(walk.here, component));
  return {};
}

Result<> LayerTree::follow(Walk& walk, const std::string& component) const {
  if (++walk.links > kMaxLinks) return error(Kind::corrupt, "more than ", kMaxLinks, " symbolic links");
  const std::string target = TRY(sys::read_link_at(walk.here, component));
  push(walk.todo, target);
  if (!target.starts_with('/')) return {};
  walk.path.clear();
  walk.here = TRY(sys::open_dir_at(root_, "."));
  return {};
}

Result<> LayerTree::go_up(Walk& walk) const {
  // The root is its own parent. Elsewhere we go back the way we came, not by asking the kernel for "..".
  if (!walk.path.empty()) walk.path.pop_back();
  const std::string path = walk.path.empty() ? "." : join(walk.path);
  sys::Fd up = TRY(sys::open_beneath(root_, path, O_RDONLY | O_DIRECTORY));
  walk.here = sys::DirFd(up.release());
  return {};
}

Result<> LayerTree::create(Walk& walk, const std::string& component, const std::optional<sys::FileStatus>& present) {
  if (is_reserved_name(component)) {
    return error(Kind::corrupt, "'", printable(component), "' is a whiteout's name, not a directory's");
  }
  if (!present) return sys::make_dir_at(walk.here, component, 0755);
  // This layer hid the name and has something below it after all: a directory that starts empty.
  TRY(sys::unlink_at(walk.here, component));
  TRY(sys::make_dir_at(walk.here, component, 0755));
  const sys::DirFd made = TRY(sys::open_dir_at(walk.here, component));
  return sys::set_xattr(made, std::string(kOpaqueAttribute), kOpaqueValue);
}

Result<std::optional<sys::FileStatus>> LayerTree::find(const Place& place, const std::string& base) {
  const Result<sys::FileStatus> status = sys::status_at(place.dir, base);
  if (status) return std::optional(*status);
  if (status.error().number() == ENOENT) return std::optional<sys::FileStatus>();
  return status.error();
}

Result<> LayerTree::make_opaque(const Place& place, const std::string& base) {
  const sys::DirFd dir = TRY(sys::open_dir_at(place.dir, base));
  return sys::set_xattr(dir, std::string(kOpaqueAttribute), kOpaqueValue).while_doing("'", printable(base), "'");
}

}  // namespace tank::image
