#include "image/layer.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include "image/layer_unpack.h"
#include "image/pause.h"
#include "image/whiteout.h"
#include "sys/file.h"
#include "sys/inode.h"

namespace tank::image {

namespace {

// Names beside the layers themselves. A layer's own name is 64 hex digits, so none of these can be one.
constexpr std::string_view kLock = ".lock-";
constexpr std::string_view kPartial = ".partial-";
constexpr std::string_view kRemoved = ".removed-";

std::string named(std::string_view prefix, std::string_view hex) { return concat(prefix, hex); }

bool is_hex_digest(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

/// The 64 digits, the only part of a diff id that ever becomes part of a path (CVE-2024-3727 was a digest that did not
/// get this check).
Result<std::string> parse_diff_id(const std::string& diff_id) {
  constexpr std::string_view kAlgorithm = "sha256:";
  const std::string_view text = diff_id;
  if (!text.starts_with(kAlgorithm) || !is_hex_digest(text.substr(kAlgorithm.size()))) {
    return error(Kind::invalid, "'", diff_id, "' is no diff id: sha256: and 64 lower-case hexadecimal digits are");
  }
  return std::string(text.substr(kAlgorithm.size()));
}

std::filesystem::path layers_dir(const std::filesystem::path& data_dir) { return data_dir / "layers"; }

/// Set-user-id programs of images stand below: nobody else may look in (CVE-2021-41103).
Result<sys::DirFd> open_layers(const std::filesystem::path& data_dir) {
  TRY(sys::ensure_dir(data_dir, 0700));
  TRY(sys::ensure_dir(layers_dir(data_dir), 0700));
  sys::DirFd layers = TRY(sys::open_dir(layers_dir(data_dir)));
  const sys::FileStatus status = TRY(sys::status_of(layers));
  if (status.mode != 0700) TRY(sys::change_mode(layers, 0700));
  return layers;
}

enum class Wait : std::uint8_t { no, yes };

/// The lock of one layer, held. Whoever holds it may touch .partial-, .removed- and the layer's own name, and removes
/// the lock file before letting go.
class LayerLock {
 public:
  /// Nothing when somebody else holds it and we do not wait.
  static Result<std::optional<LayerLock>> take(const sys::DirFd& layers, const std::string& hex, Wait wait,
                                               const std::stop_token& stop = {});

  LayerLock(LayerLock&&) = default;
  LayerLock& operator=(LayerLock&&) = delete;
  ~LayerLock() {
    // Failing to remove it leaves an empty file that the next holder or sweep_layers removes.
    if (file_.is_open()) static_cast<void>(sys::unlink_at(*layers_, name_));
  }

 private:
  LayerLock(const sys::DirFd& layers, std::string name, sys::Fd file)
      : layers_(&layers), name_(std::move(name)), file_(std::move(file)) {}

  const sys::DirFd* layers_;
  std::string name_;
  sys::Fd file_;
};

Result<std::optional<LayerLock>> LayerLock::take(const sys::DirFd& layers, const std::string& hex, Wait wait,
                                                 const std::stop_token& stop) {
  const std::string name = named(kLock, hex);
  for (;;) {
    sys::Fd file = TRY(sys::open_at(layers, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    const bool held = TRY(sys::try_lock_file(file, sys::Lock::exclusive));
    if (!held && wait == Wait::no) return std::optional<LayerLock>();
    if (!held) {
      // flock(2) has no descriptor to wait on together with a stop.
      TRY(pause_for(std::chrono::milliseconds(20), stop).while_doing("waiting for another to unpack the layer"));
      continue;
    }
    // The holder before us removed the file; a third may have made a new one under the name. Only that one counts.
    const sys::FileStatus ours = TRY(sys::status_of(file));
    const Result<sys::FileStatus> named_now = sys::status_at(layers, name);
    if (named_now && named_now->inode == ours.inode) {
      return std::optional<LayerLock>(LayerLock(layers, name, std::move(file)));
    }
    if (!named_now && named_now.error().number() != ENOENT) return named_now.error();
  }
}

Result<> unpack_aside(const sys::DirFd& layers, const std::string& hex, const sys::Fd& blob, const LayerCaps& caps,
                      const std::function<void(std::uint64_t)>& progress) {
  const std::string partial = named(kPartial, hex);
  TRY(sys::remove_tree_at(layers, partial));
  TRY(sys::make_dir_at(layers, partial, 0700));
  const sys::DirFd root = TRY(sys::open_dir_at(layers, partial));
  // The mode a layer's root has unless the layer says otherwise, free of our umask and of a set-group-id bit above us.
  TRY(sys::change_mode(root, 0755));
  sys::DirFd root_of_writer = TRY(sys::open_dir_at(layers, partial));
  TRY(unpack_layer(std::move(root_of_writer), hex, blob, caps, progress));
  TRY(sys::sync_file_system(root));
  return sys::rename_at(layers, partial, layers, hex);
}

Result<> unpack_locked(const std::filesystem::path& data_dir, const sys::DirFd& layers, const std::string& hex,
                       const sys::Fd& blob, const LayerCaps& caps, const std::function<void(std::uint64_t)>& progress) {
  Result<> unpacked = unpack_aside(layers, hex, blob, caps, progress);
  if (unpacked) return sys::sync_dir(layers_dir(data_dir));
  Result<> removed = sys::remove_tree_at(layers, named(kPartial, hex));
  if (!removed) unpacked.error().add_undo_error(std::move(removed.error()));
  return unpacked;
}

Result<> sweep_one(const sys::DirFd& layers, const std::string& hex) {
  const std::optional<LayerLock> lock = TRY(LayerLock::take(layers, hex, Wait::no));
  if (!lock) return {};
  TRY(sys::remove_tree_at(layers, named(kPartial, hex)));
  return sys::remove_tree_at(layers, named(kRemoved, hex));
}

}  // namespace

std::optional<std::filesystem::path> find_layer(const std::filesystem::path& data_dir, const std::string& diff_id) {
  const Result<std::string> hex = parse_diff_id(diff_id);
  if (!hex) return std::nullopt;
  std::filesystem::path layer = layers_dir(data_dir) / *hex;
  std::error_code ignored;
  if (!std::filesystem::is_directory(layer, ignored)) return std::nullopt;
  return layer;
}

Result<std::filesystem::path> ensure_layer(const std::filesystem::path& data_dir, const std::string& diff_id,
                                           const sys::Fd& blob, const LayerCaps& caps,
                                           const std::function<void(std::uint64_t)>& progress) {
  const std::string hex = TRY(parse_diff_id(diff_id));
  std::optional<std::filesystem::path> layer = find_layer(data_dir, diff_id);
  if (layer) return *std::move(layer);
  const sys::DirFd layers = TRY(open_layers(data_dir));
  const std::optional<LayerLock> lock = TRY(LayerLock::take(layers, hex, Wait::yes, caps.stop));
  // Whoever held the lock before us may have done the work.
  layer = find_layer(data_dir, diff_id);
  if (layer) return *std::move(layer);
  TRY(unpack_locked(data_dir, layers, hex, blob, caps, progress).while_doing("unpacking layer ", diff_id));
  return layers_dir(data_dir) / hex;
}

Result<bool> hides_all_below(const std::filesystem::path& layer) {
  const sys::DirFd root = TRY(sys::open_dir(layer));
  const std::optional<std::string> value = TRY(sys::get_xattr(root, std::string(kOpaqueAttribute)));
  return value == kOpaqueValue;
}

Result<> remove_layer(const std::filesystem::path& data_dir, const std::string& diff_id) {
  const std::string hex = TRY(parse_diff_id(diff_id));
  const sys::DirFd layers = TRY(open_layers(data_dir));
  const std::optional<LayerLock> lock = TRY(LayerLock::take(layers, hex, Wait::yes));
  const std::string removed = named(kRemoved, hex);
  TRY(sys::remove_tree_at(layers, removed));
  const Result<> renamed = sys::rename_at(layers, hex, layers, removed);
  if (!renamed && renamed.error().number() == ENOENT) return {};
  TRY(Result<>(renamed).while_doing("removing layer ", diff_id));
  TRY(sys::sync_dir(layers_dir(data_dir)));
  return sys::remove_tree_at(layers, removed).while_doing("removing layer ", diff_id);
}

Result<> sweep_layers(const std::filesystem::path& data_dir) {
  const sys::DirFd layers = TRY(open_layers(data_dir));
  const std::vector<std::string> names = TRY(sys::list_dir(layers));
  for (const std::string& name : names) {
    for (const std::string_view prefix : {kLock, kPartial, kRemoved}) {
      const std::string hex = name.starts_with(prefix) ? name.substr(prefix.size()) : std::string();
      if (is_hex_digest(hex)) TRY(sweep_one(layers, hex).while_doing("sweeping the layers"));
    }
  }
  return {};
}

}  // namespace tank::image
