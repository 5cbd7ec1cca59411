// Files and directories, by descriptor. One thin wrapper per kernel call, O_CLOEXEC always; then the few compositions
// every room needs: read a bounded file, replace a file atomically, remove a tree without following anything out of it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// openat(2) with O_CLOEXEC added. Error kinds as Error::from_errno gives them.
Result<Fd> open_at(const Fd& dir, const std::string& path, int flags, mode_t mode = 0);
/// open(2) of a host path that the manifest or Tank itself named.
Result<Fd> open_path(const std::filesystem::path& path, int flags, mode_t mode = 0);
Result<DirFd> open_dir(const std::filesystem::path& path);
Result<DirFd> open_dir_at(const Fd& dir, const std::string& path);

/// openat2(2), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: `root` is the root directory of the lookup, also for absolute
/// symbolic links and "..".
Result<Fd> open_in_root(const Fd& root, const std::string& path, int flags, mode_t mode = 0);
/// openat2(2), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS.
Result<Fd> open_beneath(const Fd& root, const std::string& path, int flags, mode_t mode = 0);

/// mkdirat(2). Existing directories are Kind::exists.
Result<> make_dir_at(const Fd& dir, const std::string& path, mode_t mode);
/// Creates the directory and its missing parents with this mode; an existing directory is success.
Result<> ensure_dir(const std::filesystem::path& path, mode_t mode);

/// The whole file, at most `limit` bytes; a longer one is Kind::invalid.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit);
Result<std::string> read_all(const Fd& fd, std::size_t limit);
/// write(2) until all is written, EINTR and short writes handled.
Result<> write_all(const Fd& fd, std::string_view bytes);
/// One write(2) to an existing file, as /proc, /sys and cgroup files want it.
Result<> write_once(const Fd& dir, const std::string& path, std::string_view bytes);

/// Does the new content survive a power cut (fsync of file and directory), or only a crash of this process?
enum class Durable : std::uint8_t { no, yes };
/// Writes beside the file and renames over it, so that readers see the old content or the new.
Result<> replace_file(const std::filesystem::path& path, std::string_view bytes, mode_t mode, Durable durable);
/// fsync(2) of a directory.
Result<> sync_dir(const std::filesystem::path& path);

Result<> unlink_at(const Fd& dir, const std::string& name, int flags = 0);
/// Removes `name` and, when it is a directory, all below it, following no symbolic link and crossing no mount. Missing
/// is success.
Result<> remove_tree_at(const Fd& dir, const std::string& name);
Result<> remove_tree(const std::filesystem::path& path);

/// Names in a directory, sorted, without "." and "..".
Result<std::vector<std::string>> list_dir(const Fd& dir);
Result<std::vector<std::string>> list_dir(const std::filesystem::path& path);

/// Is this open file still what the path names (same device and inode)? False when nothing stands there any more.
Result<bool> is_same_file(const Fd& fd, const std::filesystem::path& path);

enum class Lock : std::uint8_t { shared, exclusive };
/// flock(2), waiting.
Result<> lock_file(const Fd& fd, Lock lock);
/// flock(2) with LOCK_NB: false when somebody else holds it.
Result<bool> try_lock_file(const Fd& fd, Lock lock);

}  // namespace tank::sys
