#include "image/layer_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "image/whiteout.h"
#include "sys/file.h"

namespace tank::image {

namespace {

// What the directories' names and attributes may take of memory until the end. A layer of a whole distribution needs
// a few megabytes.
constexpr std::uint64_t kMaxRememberedBytes = std::uint64_t{512} << 20U;

constexpr mode_t kSpecialBits = 07000;  // set-user-id, set-group-id, sticky: chown(2) clears the first two

sys::FileType node_type(TarEntry::Type type) {
  if (type == TarEntry::Type::character) return sys::FileType::character;
  if (type == TarEntry::Type::block) return sys::FileType::block;
  return sys::FileType::fifo;
}

}  // namespace

LayerWriter::LayerWriter(sys::DirFd root, const LayerCaps& caps)
    : tree_(std::move(root), caps.max_path_depth), caps_(caps), own_uid_(::geteuid()), own_gid_(::getegid()) {}

Result<> LayerWriter::write_all(TarReader& tar) {
  for (;;) {
    const TarEntry* entry = TRY(tar.next());
    if (entry == nullptr) return describe_directories();
    TRY(write(*entry, tar).while_doing("unpacking '", printable(entry->name), "'"));
  }
}

Result<> LayerWriter::account(const TarEntry& entry) {
  if (++entries_ > caps_.max_entries) {
    return error(Kind::corrupt, "the layer has more than ", caps_.max_entries, " entries");
  }
  // The logical size counts, so that a file of nothing but holes cannot claim an exabyte either.
  const std::uint64_t size = entry.type == TarEntry::Type::file ? entry.size : 0;
  if (size > caps_.max_bytes - bytes_) {
    return error(Kind::corrupt, "the layer unpacks to more than ", caps_.max_bytes, " bytes");
  }
  bytes_ += size;
  return {};
}

Result<> LayerWriter::write(const TarEntry& entry, TarReader& tar) {
  TRY(account(entry));
  const EntryName name = TRY(parse_entry_name(entry.name, caps_.max_path_depth));
  if (name.is_root()) {
    if (entry.type != TarEntry::Type::directory) return error(Kind::corrupt, "the root of a layer must be a directory");
    return remember("", entry);
  }
  // "/.wh..wh.plnk/1.2": below a name that aufs kept for itself.
  if (name.parent.starts_with(".wh..wh.")) return {};
  const Whiteout whiteout = TRY(classify_name(name.base));
  if (whiteout.form == Whiteout::Form::bookkeeping || entry.type == TarEntry::Type::socket) return {};
  const std::shared_ptr<const Place> place = TRY(tree_.find_parent(name.parent, LayerTree::Missing::create));
  switch (whiteout.form) {
    case Whiteout::Form::opaque: return sys::set_xattr(place->dir, std::string(kOpaqueAttribute), kOpaqueValue);
    case Whiteout::Form::hides: return write_whiteout(*place, whiteout.target);
    default: return write_at(*place, name.base, entry, tar);
  }
}

Result<> LayerWriter::write_whiteout(const Place& place, const std::string& target) {
  const std::optional<sys::FileStatus> present = TRY(LayerTree::find(place, target));
  switch (plan_hiding(present)) {
    case Hiding::make_whiteout: return sys::make_node_at(place.dir, target, sys::FileType::character, 0, 0, 0);
    case Hiding::make_opaque: return LayerTree::make_opaque(place, target);
    case Hiding::nothing: return {};
  }
  return {};
}

Result<> LayerWriter::write_at(const Place& place, const std::string& base, const TarEntry& entry, TarReader& tar) {
  switch (entry.type) {
    case TarEntry::Type::directory: return write_directory(place, base, entry);
    case TarEntry::Type::file: return write_file(place, base, entry, tar);
    case TarEntry::Type::hard_link: return write_hard_link(place, base, entry);
    case TarEntry::Type::symlink: return write_symlink(place, base, entry);
    case TarEntry::Type::character:
    case TarEntry::Type::block:
    case TarEntry::Type::fifo: return write_node(place, base, entry);
    case TarEntry::Type::socket: return {};
  }
  return {};
}

template <typename Make>
auto LayerWriter::make_in_place(const Place& place, const std::string& base, Make make) -> decltype(make()) {
  auto made = make();
  if (made || made.error().number() != EEXIST) return made;
  TRY(remove_present(place, base));
  return make();
}

Result<> LayerWriter::remove_present(const Place& place, const std::string& base) {
  // Unlinking and making anew, never writing into what is there: it may be a second name of another file.
  TRY(sys::remove_tree_at(place.dir, base));
  forget_below(place.path_of(base));
  tree_.forget_places();
  return {};
}

Result<> LayerWriter::write_directory(const Place& place, const std::string& base, const TarEntry& entry) {
  const Result<> made = sys::make_dir_at(place.dir, base, 0755);
  if (!made) {
    if (made.error().number() != EEXIST) return made;
    const std::optional<sys::FileStatus> present = TRY(LayerTree::find(place, base));
    if (present && present->type != sys::FileType::directory) {
      // What stood there, a whiteout or a file, hid all that is below; so must the directory that takes its place.
      TRY(remove_present(place, base));
      TRY(sys::make_dir_at(place.dir, base, 0755));
      TRY(LayerTree::make_opaque(place, base));
    }
  }
  return remember(place.path_of(base), entry);
}

Result<> LayerWriter::write_file(const Place& place, const std::string& base, const TarEntry& entry, TarReader& tar) {
  const mode_t mode = entry.mode & ~kSpecialBits;
  const sys::Fd file = TRY(make_in_place(
      place, base, [&] { return sys::open_at(place.dir, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode); }));
  std::uint64_t written = 0;
  for (;;) {
    const TarReader::Data data = TRY(tar.next_data());
    if (data.bytes.empty()) break;
    if (data.offset > entry.size || data.bytes.size() > entry.size - data.offset) {
      return error(Kind::corrupt, "it has data beyond its size of ", entry.size, " bytes");
    }
    TRY(sys::write_at(file, data.bytes, data.offset));
    written = std::max(written, data.offset + data.bytes.size());
  }
  if (written < entry.size) TRY(sys::resize(file, entry.size));
  return describe(file, entry);
}

Result<> LayerWriter::describe(const sys::Fd& file, const TarEntry& entry) const {
  const bool foreign = entry.uid != own_uid_ || entry.gid != own_gid_;
  if (foreign) TRY(sys::change_owner(file, entry.uid, entry.gid));
  if ((entry.mode & kSpecialBits) != 0) TRY(sys::change_mode(file, entry.mode));
  // After chown, which takes file capabilities away.
  for (const auto& [name, value] : entry.attributes) {
    if (keeps_attribute(name)) TRY(sys::set_xattr(file, name, value));
  }
  return sys::set_times(file, entry.modified);
}

Result<> LayerWriter::write_hard_link(const Place& place, const std::string& base, const TarEntry& entry) {
  const EntryName target = TRY(parse_entry_name(entry.link, caps_.max_path_depth));
  const auto missing = [&] {
    return error(Kind::corrupt, "it is a hard link to '", printable(entry.link), "', which this layer does not have");
  };
  if (target.is_root()) return missing();
  const Result<std::shared_ptr<const Place>> found = tree_.find_parent(target.parent, LayerTree::Missing::fail);
  if (!found && found.error().kind() == Kind::not_found) return missing();
  if (!found) return found.error();
  const std::shared_ptr<const Place> target_place = *found;
  const std::optional<sys::FileStatus> status = TRY(LayerTree::find(*target_place, target.base));
  if (!status || is_overlay_whiteout(*status)) return missing();
  if (status->type == sys::FileType::directory) {
    return error(Kind::corrupt, "it is a hard link to the directory '", printable(entry.link), "'");
  }
  const std::optional<sys::FileStatus> present = TRY(LayerTree::find(place, base));
  if (present && present->inode == status->inode && present->filesystem == status->filesystem) return {};
  if (present) {
    TRY(remove_present(place, base));
    // The target may have been inside what was removed.
    const std::optional<sys::FileStatus> still = TRY(LayerTree::find(*target_place, target.base));
    if (!still) return missing();
  }
  return sys::make_link_at(target_place->dir, target.base, place.dir, base);
}

Result<> LayerWriter::write_symlink(const Place& place, const std::string& base, const TarEntry& entry) {
  if (entry.link.empty()) return error(Kind::corrupt, "it is a symbolic link to nothing");
  TRY(make_in_place(place, base, [&] { return sys::make_symlink_at(place.dir, base, entry.link); }));
  return describe(place, base, entry);
}

Result<> LayerWriter::write_node(const Place& place, const std::string& base, const TarEntry& entry) {
  if (entry.type == TarEntry::Type::character && entry.device_major == 0 && entry.device_minor == 0) {
    return error(Kind::unsupported, "it is a character device 0:0, which overlayfs would take for a whiteout");
  }
  TRY(make_in_place(place, base, [&] {
    return sys::make_node_at(place.dir, base, node_type(entry.type), entry.mode & ~kSpecialBits, entry.device_major,
                             entry.device_minor);
  }));
  TRY(describe(place, base, entry));
  if ((entry.mode & kSpecialBits) == 0) return {};
  TRY(sys::change_mode_at(place.dir, base, entry.mode));
  return {};
}

Result<> LayerWriter::describe(const Place& place, const std::string& base, const TarEntry& entry) {
  const bool foreign = entry.uid != own_uid_ || entry.gid != own_gid_;
  if (foreign) TRY(sys::change_owner_at(place.dir, base, entry.uid, entry.gid));
  for (const auto& [name, value] : entry.attributes) {
    if (keeps_attribute(name)) TRY(sys::set_xattr_at(place.dir, base, name, value));
  }
  return sys::set_times_at(place.dir, base, entry.modified);
}

Result<> LayerWriter::remember(const std::string& path, const TarEntry& entry) {
  Directory directory{entry.mode, entry.uid, entry.gid, entry.modified, {}};
  remembered_bytes_ += sizeof(Directory) + path.size();
  for (const auto& attribute : entry.attributes) {
    if (!keeps_attribute(attribute.first)) continue;
    remembered_bytes_ += attribute.first.size() + attribute.second.size();
    directory.attributes.push_back(attribute);
  }
  if (remembered_bytes_ > kMaxRememberedBytes) {
    return error(Kind::corrupt, "the names of the layer's directories take more than ", kMaxRememberedBytes, " bytes");
  }
  directories_.insert_or_assign(path, std::move(directory));
  return {};
}

void LayerWriter::forget_below(const std::string& path) {
  directories_.erase(path);
  const std::string prefix = path + '/';
  auto first = directories_.lower_bound(prefix);
  auto last = first;
  while (last != directories_.end() && last->first.starts_with(prefix)) ++last;
  directories_.erase(first, last);
}

Result<> LayerWriter::describe_directories() const {
  // Children before parents: a parent may become unreadable to us when we are not root.
  for (auto each = directories_.rbegin(); each != directories_.rend(); ++each) {
    TRY(describe_directory(each->first, each->second).while_doing("unpacking '", printable(each->first), "'"));
  }
  return {};
}

Result<> LayerWriter::describe_directory(const std::string& path, const Directory& directory) const {
  const sys::Fd dir = TRY(sys::open_beneath(tree_.root(), path.empty() ? "." : path, O_RDONLY | O_DIRECTORY));
  const bool foreign = directory.uid != own_uid_ || directory.gid != own_gid_;
  if (foreign) TRY(sys::change_owner(dir, directory.uid, directory.gid));
  if (directory.mode != 0755) TRY(sys::change_mode(dir, directory.mode));
  for (const auto& [name, value] : directory.attributes) TRY(sys::set_xattr(dir, name, value));
  return sys::set_times(dir, directory.modified);
}

}  // namespace tank::image
