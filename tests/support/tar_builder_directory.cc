// A directory tree as a tar, for images made from what is on disk.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support/image_builder.h"

namespace tank::test {

namespace {

std::map<std::string, std::string> attributes_of(const std::filesystem::path& path) {
  std::array<char, 65536> names{};
  const ssize_t length = ::llistxattr(path.c_str(), names.data(), names.size());
  std::map<std::string, std::string> out;
  for (ssize_t at = 0; at < length;) {
    const std::string name = names.data() + at;
    at += static_cast<ssize_t>(name.size()) + 1;
    std::array<char, 65536> value{};
    const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (size >= 0) out[name] = std::string(value.data(), static_cast<std::size_t>(size));
  }
  return out;
}

TarMeta meta_of(const std::filesystem::path& path, const struct stat& found) {
  return {found.st_uid, found.st_gid, found.st_mtim.tv_sec, found.st_mtim.tv_nsec, attributes_of(path)};
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.native());
  return {std::istreambuf_iterator<char>(in), {}};
}

using Seen = std::map<std::pair<dev_t, ino_t>, std::string>;

void add(TarBuilder& tar, const std::filesystem::path& path, const std::string& name, Seen& seen) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) < 0) throw std::runtime_error("cannot stat " + path.native());
  const TarMeta meta = meta_of(path, found);
  const unsigned mode = found.st_mode & 07777U;
  if (!S_ISDIR(found.st_mode) && found.st_nlink > 1) {
    const auto [first, fresh] = seen.try_emplace({found.st_dev, found.st_ino}, name);
    if (!fresh) {
      tar.hard_link(name, first->second);
      return;
    }
  }
  if (S_ISDIR(found.st_mode)) {
    tar.directory(name, mode, meta);
  } else if (S_ISREG(found.st_mode)) {
    tar.file(name, content_of(path), mode, meta);
  } else if (S_ISLNK(found.st_mode)) {
    tar.symlink(name, std::filesystem::read_symlink(path), meta);
  } else if (S_ISCHR(found.st_mode)) {
    tar.character(name, major(found.st_rdev), minor(found.st_rdev), mode, meta);
  } else if (S_ISBLK(found.st_mode)) {
    tar.block(name, major(found.st_rdev), minor(found.st_rdev), mode, meta);
  } else if (S_ISFIFO(found.st_mode)) {
    tar.fifo(name, mode, meta);
  }
}

void add_below(TarBuilder& tar, const std::filesystem::path& directory, const std::string& prefix, Seen& seen) {
  std::vector<std::filesystem::path> children;
  for (const auto& each : std::filesystem::directory_iterator(directory)) children.push_back(each.path());
  std::sort(children.begin(), children.end());
  for (const std::filesystem::path& child : children) {
    const std::string name = prefix + child.filename().native();
    add(tar, child, name, seen);
    if (std::filesystem::is_directory(std::filesystem::symlink_status(child))) add_below(tar, child, name + '/', seen);
  }
}

}  // namespace

TarBuilder tar_of_directory(const std::filesystem::path& directory) {
  TarBuilder tar;
  Seen seen;
  add(tar, directory, "./", seen);
  add_below(tar, directory, "", seen);
  return tar;
}

}  // namespace tank::test
