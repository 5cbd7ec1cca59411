// Finding or making what a path names inside a root directory that may be hostile: symbolic links are followed as the
// root's own inhabitants would see them, nothing is ever opened or created outside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

enum class Entry : std::uint8_t { directory, file };
/// May a symbolic link be followed on the way?
enum class Links : std::uint8_t { follow_inside, refuse };

/// O_PATH descriptor of `path` (absolute or not, always from `root`). Kind::not_found when it is missing;
/// errno ELOOP when a link was refused.
Result<Fd> find_in_root(const Fd& root, const char* path, Links links);
/// The same, but what is missing is created: directories on the way, and an empty file or a directory at its end.
Result<Fd> ensure_in_root(const Fd& root, const char* path, Entry entry, Links links);
/// O_PATH descriptor of `path` below `directory`; symbolic links may not lead out of it (RESOLVE_BENEATH).
Result<Fd> find_beneath(const Fd& directory, const char* path);

/// One write(2) to an existing file below `directory`, through no symbolic link and no other mount.
Result<> write_beneath(const Fd& directory, const char* path, std::string_view value);
/// One write(2) to a descriptor that is open already.
Result<> write_small(int fd, std::string_view value);
/// The start of a small file of the host, at most 4 KiB.
Result<std::string> read_small(const char* path);

/// O_PATH descriptor of a path of the host that the manifest or Tank itself named.
Result<Fd> open_place(const char* path);
/// What an O_PATH descriptor refers to, opened for use. Through the /proc that is mounted here.
Result<Fd> reopen(const Fd& place, int flags);
/// One directory below `directory`; existing is success.
Result<> make_directory_at(const Fd& directory, const char* name);

/// Makes the descriptors of this process the names in its working directory: "7" is descriptor 7.
Result<> enter_descriptor_names();
/// chdir(2), and the proof that the working directory can be named from the root (CVE-2024-21626).
Result<> enter_directory(const char* path);
/// Creates a directory and its missing parents by plain path, inside the root this process has.
Result<> ensure_directories(const char* path);

}  // namespace tank::sys
