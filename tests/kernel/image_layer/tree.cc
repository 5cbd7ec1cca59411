#include "tree.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace tank::image {

namespace {

std::string attributes_of(const std::filesystem::path& path) {
  std::array<char, 65536> names{};
  const ssize_t length = ::llistxattr(path.c_str(), names.data(), names.size());
  std::map<std::string, std::string> found;
  for (ssize_t at = 0; at < length;) {
    const std::string name = names.data() + at;
    at += static_cast<ssize_t>(name.size()) + 1;
    if (name.starts_with("trusted.overlay.")) continue;
    std::array<char, 65536> value{};
    const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    found[name] = std::string(value.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }
  std::string out;
  for (const auto& [name, value] : found) out += ' ' + name + '=' + value;
  return out;
}

std::string describe(const std::filesystem::path& path, const struct stat& found, Times times) {
  std::array<char, 64> head{};
  std::snprintf(head.data(), head.size(), "%07o %u:%u", found.st_mode, found.st_uid, found.st_gid);
  std::string out = head.data();
  if (times == Times::all || !S_ISDIR(found.st_mode)) {
    out += ' ' + std::to_string(found.st_mtim.tv_sec) + '.' + std::to_string(found.st_mtim.tv_nsec);
  }
  if (!S_ISDIR(found.st_mode)) out += " links " + std::to_string(found.st_nlink);
  if (S_ISREG(found.st_mode)) out += " size " + std::to_string(found.st_size) + ' ' + test::digest_of(read_text(path));
  if (S_ISLNK(found.st_mode)) out += " -> " + std::filesystem::read_symlink(path).native();
  if (S_ISCHR(found.st_mode) || S_ISBLK(found.st_mode)) {
    out += ' ' + std::to_string(major(found.st_rdev)) + ':' + std::to_string(minor(found.st_rdev));
  }
  return out + attributes_of(path);
}

void describe_below(const std::filesystem::path& root, const std::filesystem::path& directory, Times times,
                    std::map<std::string, std::string>& out) {
  for (const auto& each : std::filesystem::directory_iterator(directory)) {
    struct stat found {};
    if (::lstat(each.path().c_str(), &found) < 0) continue;
    out[each.path().lexically_relative(root)] = describe(each.path(), found, times);
    if (S_ISDIR(found.st_mode)) describe_below(root, each.path(), times, out);
  }
}

}  // namespace

ScratchDir::ScratchDir() {
  std::string name = (std::filesystem::temp_directory_path() / "tank-layer-XXXXXX").native();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a scratch directory");
  path_ = name;
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

sys::Fd memory_file(std::string_view bytes) {
  sys::Fd fd(::memfd_create("blob", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return fd;
}

Result<std::filesystem::path> unpack(const std::filesystem::path& data_dir, const std::string& tar,
                                     const LayerCaps& caps, test::Packing packing) {
  const sys::Fd blob = memory_file(test::pack(tar, packing));
  return ensure_layer(data_dir, test::digest_of(tar), blob, caps, {});
}

std::map<std::string, std::string> describe_tree(const std::filesystem::path& root, Times times) {
  std::map<std::string, std::string> out;
  struct stat found {};
  if (::lstat(root.c_str(), &found) == 0) out["."] = describe(root, found, times);
  describe_below(root, root, times, out);
  return out;
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace tank::image
