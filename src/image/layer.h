// Layers on disk: each one unpacked once, under its diff id, in data_dir/layers/<64 hex>. The name appears with a
// rename when all below it is written and synced; so a directory that is there is complete, after a crash and after a
// power cut too. What is under way stands beside it under a name that begins in a dot, guarded by a lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::image {

/// Caps against decompression bombs.
struct LayerCaps {
  std::uint64_t max_bytes = std::uint64_t{64} << 30U;  ///< of the tar, and of its files' logical sizes
  std::uint64_t max_entries = 4'000'000;
  std::size_t max_path_depth = 256;  ///< also through symbolic links; less than descriptors a process may hold
  std::stop_token stop{};            ///< asked to stop, unpacking and waiting for others end with Kind::aborted
};

/// Unpacks one layer (tar, gzip or zstd, told by its first bytes) from the regular file `blob` into
/// data_dir/layers/<hex of diff id> and gives that path; a layer that stands there is given at once. Threads and
/// processes that want the same layer wait for the first. `diff_id` is "sha256:" and 64 lower-case digits; the
/// uncompressed bytes must have that digest. `progress` gets the number of the blob's bytes used up so far, from the
/// calling thread; it may be empty.
///
/// Kinds: invalid (diff id), corrupt (not what it claims to be, or beyond the caps), unsupported (xz, bzip2, a 0:0
/// character device), otherwise what the kernel says. On an error nothing is left behind.
Result<std::filesystem::path> ensure_layer(const std::filesystem::path& data_dir, const std::string& diff_id,
                                           const sys::Fd& blob, const LayerCaps& caps,
                                           const std::function<void(std::uint64_t)>& progress);

/// The unpacked layer's directory, when it stands: one stat(2).
std::optional<std::filesystem::path> find_layer(const std::filesystem::path& data_dir, const std::string& diff_id);

/// Whether the layer's root is opaque (".wh..wh..opq" at the top): everything below it is gone. overlayfs does not look
/// for that mark on the roots it is given, so whoever stacks layers must leave out those below.
Result<bool> hides_all_below(const std::filesystem::path& layer);

/// Removes the layer; missing is success. The directory is gone in one step, its content after it.
Result<> remove_layer(const std::filesystem::path& data_dir, const std::string& diff_id);

/// Removes what dead unpackers left. Layers that somebody is unpacking now are left alone.
Result<> sweep_layers(const std::filesystem::path& data_dir);

}  // namespace tank::image
