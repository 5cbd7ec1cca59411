#include "sys/path_in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace tank::sys {

namespace {

// As many as the kernel follows (path_resolution(7)).
constexpr int kMaxLinks = 40;

Result<Fd> resolve(const Fd& root, const char* path, std::uint64_t how_to_resolve) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = how_to_resolve | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: a rename raced with ".."; openat2(2) says to retry, and somebody may be doing it on purpose.
  for (int attempt = 0; attempt < 64; ++attempt) {
    const long number = ::syscall(SYS_openat2, root.get(), path, &how, sizeof how);
    if (number >= 0) return Fd(static_cast<int>(number));
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return errno_error("resolving '", path, "' inside the root");
}

std::uint64_t flags_of(Links links) { return RESOLVE_IN_ROOT | (links == Links::refuse ? RESOLVE_NO_SYMLINKS : 0U); }

/// Walks one component at a time with descriptors of the directories passed through, so that ".." is a step back on our
/// own stack and cannot be turned into a way out by a rename.
class Walk {
 public:
  Walk(const Fd& root, const char* path, Entry entry, Links links)
      : root_(root), rest_(path), path_(path), entry_(entry), links_(links) {}

  Result<Fd> run() {
    while (true) {
      const std::string name = next_component();
      if (name.empty()) return arrived();
      if (name == "..") {
        if (!passed_.empty()) passed_.pop_back();
        continue;
      }
      const bool last = rest_.find_first_not_of('/') == std::string::npos;
      if (last && entry_ == Entry::file) {
        Result<Fd> found = open_file(name);
        if (found || found.error().number() != ELOOP) return found;
      } else if (const Result<> entered = enter(name); entered) {
        continue;
      } else if (entered.error().number() != ELOOP) {
        return entered.error();
      }
      TRY(follow(name));
    }
  }

 private:
  const Fd& here() const { return passed_.empty() ? root_ : passed_.back(); }

  std::string next_component() {
    std::string name = ".";
    while (name == ".") {
      const std::size_t start = std::min(rest_.find_first_not_of('/'), rest_.size());
      const std::size_t end = std::min(rest_.find('/', start), rest_.size());
      name.assign(rest_, start, end - start);
      rest_.erase(0, end);
    }
    return name;
  }

  /// ELOOP says that `name` is a symbolic link.
  Result<> enter(const std::string& name) {
    // 0755 whatever the umask: the container's user must be able to pass.
    if (::mkdirat(here().get(), name.c_str(), 0755) < 0 && errno != EEXIST) {
      return errno_error("creating directory '", name, "' of '", path_, "' inside the root");
    }
    Fd next(::openat(here().get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (next.is_open()) {
      passed_.push_back(std::move(next));
      return {};
    }
    if (errno == ENOTDIR && is_link(name)) errno = ELOOP;
    return errno_error("entering '", name, "' of '", path_, "' inside the root");
  }

  Result<Fd> open_file(const std::string& name) {
    const Fd made(::openat(here().get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!made.is_open() && errno != EEXIST) {
      return errno_error("creating file '", name, "' of '", path_, "' inside the root");
    }
    Fd found(::openat(here().get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!found.is_open()) return errno_error("opening '", name, "' of '", path_, "' inside the root");
    struct stat about {};
    if (::fstat(found.get(), &about) == 0 && S_ISLNK(about.st_mode)) {
      return Error(Kind::kernel, ELOOP, "a symbolic link");
    }
    return found;
  }

  bool is_link(const std::string& name) const {
    struct stat about {};
    return ::fstatat(here().get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(about.st_mode);
  }

  Result<> follow(const std::string& name) {
    if (links_ == Links::refuse || ++followed_ > kMaxLinks) {
      return Error::from_errno(ELOOP,
                               concat("following the symbolic link '", name, "' of '", path_, "' inside the root"));
    }
    std::array<char, 4096> target{};
    const ssize_t size = ::readlinkat(here().get(), name.c_str(), target.data(), target.size());
    if (size < 0) return errno_error("reading the symbolic link '", name, "' of '", path_, "' inside the root");
    const std::string_view text(target.data(), static_cast<std::size_t>(size));
    if (!text.empty() && text.front() == '/') passed_.clear();
    rest_ = concat(text, "/", rest_);
    return {};
  }

  Result<Fd> arrived() {
    if (!passed_.empty()) return std::move(passed_.back());
    Fd fd(::openat(root_.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd.is_open()) return errno_error("opening '", path_, "' inside the root");
    return fd;
  }

  const Fd& root_;
  std::string rest_;
  const char* path_;
  Entry entry_;
  Links links_;
  std::vector<Fd> passed_;
  int followed_ = 0;
};

}  // namespace

Result<Fd> find_in_root(const Fd& root, const char* path, Links links) { return resolve(root, path, flags_of(links)); }

Result<Fd> ensure_in_root(const Fd& root, const char* path, Entry entry, Links links) {
  Result<Fd> found = find_in_root(root, path, links);
  if (found || found.error().number() != ENOENT) return found;
  return Walk(root, path, entry, links).run();
}

Result<Fd> find_beneath(const Fd& directory, const char* path) { return resolve(directory, path, RESOLVE_BENEATH); }

Result<> write_beneath(const Fd& directory, const char* path, std::string_view value) {
  open_how how{};
  how.flags = O_WRONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const Fd file(static_cast<int>(::syscall(SYS_openat2, directory.get(), path, &how, sizeof how)));
  if (!file.is_open()) return errno_error("opening '", path, "'");
  return write_small(file.get(), value).while_doing("'", path, "'");
}

Result<> write_small(int fd, std::string_view value) {
  const ssize_t size = ::write(fd, value.data(), value.size());
  if (size < 0) return errno_error("writing '", value, "'");
  if (static_cast<std::size_t>(size) != value.size()) return error(Kind::kernel, "writing '", value, "': short write");
  return {};
}

Result<std::string> read_small(const char* path) {
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_error("opening '", path, "'");
  std::array<char, 4096> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0) return errno_error("reading '", path, "'");
  return std::string(text.data(), static_cast<std::size_t>(size));
}

Result<Fd> open_place(const char* path) {
  Fd place(::open(path, O_PATH | O_CLOEXEC));
  if (!place.is_open()) return errno_error("opening '", path, "'");
  return place;
}

Result<Fd> reopen(const Fd& place, int flags) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/proc/self/fd/%d", place.get());
  Fd fd(::open(name.data(), flags | O_CLOEXEC));
  if (!fd.is_open()) return errno_error("opening a descriptor again");
  return fd;
}

Result<> make_directory_at(const Fd& directory, const char* name) {
  if (::mkdirat(directory.get(), name, 0755) < 0 && errno != EEXIST)
    return errno_error("creating directory '", name, "'");
  return {};
}

Result<> enter_descriptor_names() {
  if (::chdir("/proc/self/fd") < 0) return errno_error("entering /proc/self/fd");
  return {};
}

Result<> enter_directory(const char* path) {
  if (::chdir(path) < 0) return errno_error("entering directory '", path, "'");
  std::array<char, 4096> name{};
  // The C library's getcwd(3) hides what the system call says: "(unreachable)" instead of a leading slash.
  if (::syscall(SYS_getcwd, name.data(), name.size()) < 0) return errno_error("naming the working directory");
  if (name[0] != '/') return error(Kind::denied, "entering directory '", path, "': it lies outside the root");
  return {};
}

Result<> ensure_directories(const char* path) {
  std::string so_far;
  for (const char* at = path; *at != '\0';) {
    const char* end = at + 1;
    while (*end != '\0' && *end != '/') ++end;
    so_far.append(at, end);
    at = end;
    if (::mkdir(so_far.c_str(), 0755) < 0 && errno != EEXIST && errno != EROFS) {
      return errno_error("creating directory '", so_far, "'");
    }
  }
  return {};
}

}  // namespace tank::sys
