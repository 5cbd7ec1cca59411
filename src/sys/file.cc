#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace tank::sys {

namespace {

Result<Fd> resolve(const Fd& root, const std::string& path, int flags, mode_t mode, std::uint64_t how_to_resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  // openat2(2) refuses a mode without O_CREAT or O_TMPFILE.
  if ((flags & (O_CREAT | __O_TMPFILE)) != 0) how.mode = mode;
  how.resolve = how_to_resolve;
  // EAGAIN: the kernel could not rule out a race with a rename while resolving ".."; openat2(2) says to retry.
  for (int attempt = 0; attempt < 64; ++attempt) {
    const long number = ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how);
    if (number >= 0) return Fd(static_cast<int>(number));
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return errno_error("opening '", path, "' inside its root");
}

Result<> make_missing_parents(const std::filesystem::path& path, mode_t mode) {
  std::filesystem::path so_far;
  for (const auto& part : path) {
    so_far /= part;
    if (::mkdir(so_far.c_str(), mode) < 0 && errno != EEXIST && errno != EROFS) {
      return errno_error("creating directory '", so_far.native(), "'");
    }
  }
  return {};
}

}  // namespace

Result<Fd> open_at(const Fd& dir, const std::string& path, int flags, mode_t mode) {
  const int number = ::openat(dir.get(), path.c_str(), flags | O_CLOEXEC, mode);
  if (number < 0) return errno_error("opening '", path, "'");
  return Fd(number);
}

Result<Fd> open_path(const std::filesystem::path& path, int flags, mode_t mode) {
  const int number = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (number < 0) return errno_error("opening '", path.native(), "'");
  return Fd(number);
}

Result<DirFd> open_dir(const std::filesystem::path& path) {
  Fd fd = TRY(open_path(path, O_RDONLY | O_DIRECTORY));
  return DirFd(fd.release());
}

Result<DirFd> open_dir_at(const Fd& dir, const std::string& path) {
  Fd fd = TRY(open_at(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return DirFd(fd.release());
}

Result<Fd> open_in_root(const Fd& root, const std::string& path, int flags, mode_t mode) {
  return resolve(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Result<Fd> open_beneath(const Fd& root, const std::string& path, int flags, mode_t mode) {
  return resolve(root, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

Result<> make_dir_at(const Fd& dir, const std::string& path, mode_t mode) {
  if (::mkdirat(dir.get(), path.c_str(), mode) < 0) return errno_error("creating directory '", path, "'");
  return {};
}

Result<> ensure_dir(const std::filesystem::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return {};
  if (errno == ENOENT) return make_missing_parents(path, mode);
  struct stat found {};
  if (errno == EEXIST && ::stat(path.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return {};
    return error(Kind::exists, "creating directory '", path.native(), "': something else stands there");
  }
  return errno_error("creating directory '", path.native(), "'");
}

Result<std::string> read_all(const Fd& fd, std::size_t limit) {
  std::string out;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("reading");
    if (got == 0) return out;
    if (out.size() + static_cast<std::size_t>(got) > limit) {
      return error(Kind::invalid, "reading: larger than ", limit, " bytes");
    }
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  const Fd fd = TRY(open_path(path, O_RDONLY));
  return read_all(fd, limit).while_doing("reading '", path.native(), "'");
}

Result<> write_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd.get(), bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno_error("writing");
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

Result<> write_once(const Fd& dir, const std::string& path, std::string_view bytes) {
  const Fd fd = TRY(open_at(dir, path, O_WRONLY));
  const ssize_t done = ::write(fd.get(), bytes.data(), bytes.size());
  if (done < 0) return errno_error("writing '", bytes, "' to '", path, "'");
  if (static_cast<std::size_t>(done) != bytes.size())
    return error(Kind::kernel, "writing to '", path, "': short write");
  return {};
}

Result<> replace_file(const std::filesystem::path& path, std::string_view bytes, mode_t mode, Durable durable) {
  const std::filesystem::path aside = path.native() + "." + std::to_string(::gettid()) + ".new";
  const auto write_aside = [&]() -> Result<> {
    const Fd fd = TRY(open_path(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
    TRY(write_all(fd, bytes).while_doing("writing '", aside.native(), "'"));
    if (durable == Durable::yes && ::fsync(fd.get()) < 0) return errno_error("syncing '", aside.native(), "'");
    if (::rename(aside.c_str(), path.c_str()) < 0) return errno_error("renaming '", aside.native(), "' into place");
    return {};
  };
  const Result<> written = write_aside();
  if (!written) {
    ::unlink(aside.c_str());
    return written;
  }
  return durable == Durable::yes ? sync_dir(path.parent_path()) : Result<>{};
}

Result<> sync_dir(const std::filesystem::path& path) {
  const DirFd dir = TRY(open_dir(path));
  if (::fsync(dir.get()) < 0) return errno_error("syncing directory '", path.native(), "'");
  return {};
}

Result<> unlink_at(const Fd& dir, const std::string& name, int flags) {
  if (::unlinkat(dir.get(), name.c_str(), flags) < 0) return errno_error("removing '", name, "'");
  return {};
}

namespace {

/// How deep remove_tree_at goes by descriptor. What lies deeper is moved up first: trees are made by workloads, and a
/// descriptor a level would let one of them make a tree that cannot be removed.
constexpr int kDeepest = 64;

/// Moves `name` to the top of the tree, under a name that is free there.
Result<> move_up(const Fd& dir, const std::string& name, const Fd& top) {
  for (unsigned number = 0; number < 100'000; ++number) {
    const std::string there = ".removed-" + std::to_string(number);
    if (::renameat(dir.get(), name.c_str(), top.get(), there.c_str()) == 0) return {};
    if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) break;
  }
  return errno_error("removing directory '", name, "'");
}

Result<> remove_entry(const Fd& dir, const std::string& name, const Fd& top, int depth) {
  if (::unlinkat(dir.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  // unlink(2) of a directory is EISDIR on Linux, EPERM by POSIX.
  if (errno != EISDIR && errno != EPERM) return errno_error("removing '", name, "'");
  if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  if (errno != ENOTEMPTY && errno != EEXIST) return errno_error("removing directory '", name, "'");
  if (depth == kDeepest) return move_up(dir, name, top);
  {
    const DirFd inner = TRY(open_dir_at(dir, name));
    const std::vector<std::string> names = TRY(list_dir(inner));
    for (const std::string& entry : names)
      TRY(remove_entry(inner, entry, top, depth + 1).while_doing("in '", name, "'"));
  }
  if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return errno_error("removing directory '", name, "'");
}

}  // namespace

Result<> remove_tree_at(const Fd& dir, const std::string& name) {
  if (::unlinkat(dir.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return errno_error("removing '", name, "'");
  if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  if (errno != ENOTEMPTY && errno != EEXIST) return errno_error("removing directory '", name, "'");
  {
    const DirFd top = TRY(open_dir_at(dir, name));
    std::vector<std::string> names = TRY(list_dir(top));
    while (!names.empty()) {
      for (const std::string& entry : names) TRY(remove_entry(top, entry, top, 1).while_doing("in '", name, "'"));
      names = TRY(list_dir(top));
    }
  }
  if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT) {
    return errno_error("removing directory '", name, "'");
  }
  return {};
}

Result<> remove_tree(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.parent_path();
  const Result<DirFd> dir = open_dir(parent.empty() ? std::filesystem::path(".") : parent);
  if (!dir && dir.error().number() == ENOENT) return {};
  if (!dir) return dir.error();
  return remove_tree_at(*dir, path.filename());
}

Result<std::vector<std::string>> list_dir(const Fd& dir) {
  const int copy = ::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return errno_error("opening a directory to list it");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), &::closedir);
  if (!stream) {
    ::close(copy);
    return errno_error("listing a directory");
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return errno_error("listing a directory");
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> list_dir(const std::filesystem::path& path) {
  const DirFd dir = TRY(open_dir(path));
  return list_dir(dir).while_doing("'", path.native(), "'");
}

Result<bool> is_same_file(const Fd& fd, const std::filesystem::path& path) {
  struct stat open_one {};
  struct stat named_one {};
  if (::fstat(fd.get(), &open_one) < 0) return errno_error("looking at an open file");
  if (::stat(path.c_str(), &named_one) < 0) {
    if (errno == ENOENT) return false;
    return errno_error("looking at '", path.native(), "'");
  }
  return open_one.st_dev == named_one.st_dev && open_one.st_ino == named_one.st_ino;
}

Result<> lock_file(const Fd& fd, Lock lock) {
  while (::flock(fd.get(), lock == Lock::shared ? LOCK_SH : LOCK_EX) < 0) {
    if (errno != EINTR) return errno_error("locking");
  }
  return {};
}

Result<bool> try_lock_file(const Fd& fd, Lock lock) {
  if (::flock(fd.get(), (lock == Lock::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return errno_error("locking");
}

}  // namespace tank::sys
