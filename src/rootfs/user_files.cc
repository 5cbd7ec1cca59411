// The lookup mirrors overlayfs: a directory of the merged view is a list of directories, topmost first. Every step
// opens one name in them, never a path and never through a link, so that nothing an image contains can lead out of its
// layers (CVE-2024-9676).

#include "rootfs/user_files.h"

#include <fcntl.h>

#include <deque>
#include <memory>
#include <variant>

#include "sys/file.h"
#include "sys/node.h"

namespace tank::rootfs {

namespace {

using Node = sys::NodeStatus;

constexpr std::size_t kMostBytes = 1U << 20U;
/// As many as the kernel follows in one lookup (MAXSYMLINKS).
constexpr int kMostLinks = 40;
/// Names visited in one lookup, so that links which expand each other end.
constexpr int kMostSteps = 4096;

/// One directory of the merged view: those that make it up, topmost first.
using Merged = std::vector<sys::DirFd>;
struct Nothing {};
struct File {
  sys::Fd fd;
};
struct Link {
  std::string target;
};
using Found = std::variant<Nothing, Merged, File, Link>;

bool is_whiteout(const Node& node) { return node.type == Node::Type::char_device && node.device_number == 0; }

Result<bool> is_opaque(const sys::Fd& dir) {
  const auto value = TRY(sys::find_xattr(dir, "trusted.overlay.opaque"));
  return value && *value == "y";
}

Result<Found> open_file(const sys::Fd& dir, const std::string& name, const Node& node) {
  if (node.type == Node::Type::symlink) {
    std::string target = TRY(sys::link_target_at(dir, name));
    return Found(Link{std::move(target)});
  }
  if (node.type != Node::Type::regular) return error(Kind::invalid, "it is not a regular file");
  // A fifo put in its place must not make us wait: O_NONBLOCK, and the type is looked at again once it is open.
  sys::Fd fd = TRY(sys::open_at(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  const Node opened = TRY(sys::node_of(fd));
  if (opened.type != Node::Type::regular) return error(Kind::invalid, "it is not a regular file");
  return Found(File{std::move(fd)});
}

/// One name in a merged directory, as overlayfs finds it: the topmost that is there, and while those are directories,
/// all of them down to a whiteout, an opaque one or something that is no directory.
Result<Found> look_up(const Merged& merged, const std::string& name) {
  Merged below;
  for (const sys::DirFd& dir : merged) {
    const auto node = TRY(sys::find_node_at(dir, name));
    if (!node) continue;
    if (is_whiteout(*node)) break;
    if (node->type != Node::Type::directory) {
      if (below.empty()) return open_file(dir, name, *node);
      break;
    }
    sys::DirFd opened = TRY(sys::open_dir_at(dir, name));
    const bool opaque = TRY(is_opaque(opened));
    below.push_back(std::move(opened));
    if (opaque) break;
  }
  if (below.empty()) return Found(Nothing{});
  return Found(std::move(below));
}

/// Puts the names of a path in front of those still to go.
void put_first(const std::string& path, std::deque<std::string>& names) {
  std::vector<std::string> parts;
  for (const auto& part : std::filesystem::path(path).relative_path()) {
    if (!part.empty() && part != ".") parts.push_back(part.native());
  }
  names.insert(names.begin(), parts.begin(), parts.end());
}

class Lookup {
 public:
  explicit Lookup(const std::vector<std::filesystem::path>& layers) : layers_(layers) {}

  /// Nothing when it is not there.
  Result<std::optional<sys::Fd>> open(const std::string& path) {
    Merged root = TRY(open_layers());
    way_.push_back(std::make_shared<Merged>(std::move(root)));
    put_first(path, names_);
    for (int steps = 0; !names_.empty(); ++steps) {
      if (steps == kMostSteps) return error(Kind::invalid, "its symbolic links do not end");
      const std::string name = std::move(names_.front());
      names_.pop_front();
      if (name == "..") {
        if (way_.size() > 1) way_.pop_back();
        continue;
      }
      Found found = TRY(look_up(*way_.back(), name));
      if (std::holds_alternative<Nothing>(found)) return std::optional<sys::Fd>();
      if (File* file = std::get_if<File>(&found)) return last(std::move(file->fd));
      if (const Link* link = std::get_if<Link>(&found)) TRY(follow(link->target));
      if (Merged* merged = std::get_if<Merged>(&found)) way_.push_back(std::make_shared<Merged>(std::move(*merged)));
    }
    return error(Kind::invalid, "it is a directory");
  }

 private:
  Result<Merged> open_layers() const {
    Merged out;
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      sys::DirFd dir = TRY(sys::open_dir(*layer));
      out.push_back(std::move(dir));
    }
    return out;
  }

  /// A file in the middle of a path is as good as nothing there.
  std::optional<sys::Fd> last(sys::Fd fd) const {
    if (!names_.empty()) return std::nullopt;
    return fd;
  }

  Result<> follow(const std::string& target) {
    if (++links_ > kMostLinks) return error(Kind::invalid, "too many symbolic links");
    if (target.starts_with('/')) way_.resize(1);
    put_first(target, names_);
    return {};
  }

  const std::vector<std::filesystem::path>& layers_;
  std::vector<std::shared_ptr<Merged>> way_;  ///< from the root to where we are
  std::deque<std::string> names_;             ///< still to go
  int links_ = 0;
};

Result<std::string> read_merged(const std::vector<std::filesystem::path>& layers, const std::string& path) {
  const std::optional<sys::Fd> fd = TRY(Lookup(layers).open(path));
  if (!fd) return std::string();
  return sys::read_all(*fd, kMostBytes);
}

}  // namespace

Result<oci::UserFiles> read_user_files(const std::vector<std::filesystem::path>& layers) {
  oci::UserFiles out;
  out.passwd = TRY(read_merged(layers, "/etc/passwd").while_doing("reading the image's /etc/passwd"));
  out.group = TRY(read_merged(layers, "/etc/group").while_doing("reading the image's /etc/group"));
  return out;
}

}  // namespace tank::rootfs
