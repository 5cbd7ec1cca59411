#include "image/pull.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <semaphore>
#include <system_error>
#include <thread>
#include <vector>

#include "image/config.h"
#include "image/harmless.h"
#include "image/layer.h"
#include "image/manifest.h"

namespace tank::image {

namespace {

constexpr std::ptrdiff_t kAtOnce = 3;
constexpr std::uint64_t kProgressStep = std::uint64_t{1} << 18U;

class Progress {
 public:
  explicit Progress(const PullOptions& options) : callback_(options.progress) {}

  void report(PullProgress::Stage stage, const std::string& layer = "", std::uint64_t current = 0,
              std::uint64_t total = 0) {
    if (!callback_) return;
    const std::lock_guard lock(mutex_);
    callback_({stage, layer, current, total});
  }

  /// Reports at most every 256 KiB and at the end.
  std::function<void(std::uint64_t)> meter(PullProgress::Stage stage, const Descriptor& blob) {
    if (!callback_) return {};
    return [this, stage, name = to_string(blob.digest), total = blob.size,
            next = std::uint64_t{0}](std::uint64_t current) mutable {
      if (current < next && current < total) return;
      next = current + kProgressStep;
      report(stage, name, current, total);
    };
  }

 private:
  std::mutex mutex_;
  const std::function<void(const PullProgress&)>& callback_;
};

struct Resolved {
  Descriptor descriptor;  ///< of the manifest
  std::string bytes;
  ImageManifest manifest;
};

Result<> check_received(const ReceivedDocument& received, const Descriptor& descriptor) {
  const std::string name = to_string(descriptor.digest);
  if (received.bytes.size() != descriptor.size) {
    return error(Kind::corrupt, "manifest ", name, " has ", received.bytes.size(), " bytes, the index says ",
                 descriptor.size);
  }
  const Digest found = digest_of(received.bytes, descriptor.digest.algorithm());
  if (found != descriptor.digest) {
    return error(Kind::corrupt, "manifest ", name, " has other content: its digest is ", to_string(found));
  }
  return {};
}

Result<Resolved> resolve(Origin& origin, const ReceivedDocument& top, const Platform& host) {
  const std::string name = to_string(top.digest);
  Document document = TRY(parse_document(top.bytes, top.media_type).while_doing("manifest ", name));
  if (auto* manifest = std::get_if<ImageManifest>(&document)) {
    const Descriptor descriptor{manifest->media_type, top.digest, top.bytes.size(), {}, {}};
    return Resolved{descriptor, top.bytes, std::move(*manifest)};
  }
  const Descriptor chosen = TRY(select_manifest(std::get<ImageIndex>(document), host).while_doing("index ", name));
  ReceivedDocument received = TRY(origin.manifest(chosen));
  TRY(check_received(received, chosen));
  Document inner =
      TRY(parse_document(received.bytes, received.media_type).while_doing("manifest ", to_string(chosen.digest)));
  auto* manifest = std::get_if<ImageManifest>(&inner);
  if (manifest == nullptr) return error(Kind::corrupt, "index ", name, " names an index as its manifest");
  if (manifest->media_type != chosen.media_type) {
    return error(Kind::corrupt, "manifest ", to_string(chosen.digest), " is of type '", manifest->media_type,
                 "', the index says '", harmless(chosen.media_type), "'");
  }
  return Resolved{
      {manifest->media_type, chosen.digest, chosen.size, {}, {}}, std::move(received.bytes), std::move(*manifest)};
}

// All layers of one image, by a few threads. The first error stops the others.
class LayerPull {
 public:
  LayerPull(const Store& store, Origin& origin, const ImageManifest& manifest, const ImageConfig& config,
            const PullOptions& options, Progress& progress)
      : store_(store),
        origin_(origin),
        manifest_(manifest),
        config_(config),
        options_(options),
        progress_(progress),
        paths_(manifest.layers.size()),
        forward_stop_(options.stop, [this] { stop_.request_stop(); }) {}

  Result<std::vector<std::filesystem::path>> run() {
    // Twice as many as may download at once, so that unpacking does not keep the network waiting.
    const std::size_t count = std::min<std::size_t>(manifest_.layers.size(), 2 * kAtOnce);
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < count; ++i) {
      try {
        threads.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        // No more threads to be had: those there are do it, at worst the caller's own.
        break;
      }
    }
    work();
    threads.clear();
    if (first_error_) return *first_error_;
    return std::move(paths_);
  }

 private:
  void work() {
    for (std::size_t i = next_++; i < manifest_.layers.size() && !stop_.stop_requested(); i = next_++) {
      Result<std::filesystem::path> path = bring(manifest_.layers[i], config_.diff_ids[i]);
      if (path) {
        paths_[i] = *std::move(path);
        continue;
      }
      const std::lock_guard lock(error_mutex_);
      if (!first_error_) {
        first_error_ = std::move(path.error()).while_doing(concat("layer ", to_string(manifest_.layers[i].digest)));
      }
      stop_.request_stop();
    }
    const std::lock_guard lock(error_mutex_);
    if (stop_.stop_requested() && !first_error_) first_error_ = error(Kind::aborted, "asked to stop");
  }

  Result<std::filesystem::path> bring(const Descriptor& blob, const std::string& diff_id) {
    const std::string name = to_string(blob.digest);
    const Store::Outcome outcome = TRY(fetch(blob));
    std::optional<std::filesystem::path> there = find_layer(store_.data_dir(), diff_id);
    if (there) {
      const bool reused = outcome == Store::Outcome::reused;
      progress_.report(reused ? PullProgress::Stage::cached : PullProgress::Stage::done, name, blob.size, blob.size);
      return *std::move(there);
    }
    Result<std::filesystem::path> path = unpack(blob, diff_id);
    if (!path && path.error().kind() == Kind::corrupt && outcome == Store::Outcome::reused) {
      const bool damaged = TRY(is_damaged(blob));
      if (damaged) {
        TRY(store_.discard_blob(blob.digest));
        TRY(fetch(blob));
        path = unpack(blob, diff_id);
      }
    }
    if (path) progress_.report(PullProgress::Stage::done, name, blob.size, blob.size);
    return path;
  }

  Result<Store::Outcome> fetch(const Descriptor& blob) {
    if (blob.size > options_.max_layer_bytes) {
      return error(Kind::corrupt, "a layer of ", blob.size, " bytes is over the limit of ", options_.max_layer_bytes);
    }
    downloads_.acquire();
    const Store::Fetch how{
        [&](BlobWriter& writer) {
          writer.progress = progress_.meter(PullProgress::Stage::downloading, blob);
          return origin_.fetch(writer, stop_.get_token());
        },
        [&] { progress_.report(PullProgress::Stage::waiting, to_string(blob.digest), 0, blob.size); },
        stop_.get_token()};
    Result<Store::Outcome> outcome = stop_.stop_requested()
                                         ? Result<Store::Outcome>(error(Kind::aborted, "asked to stop"))
                                         : store_.ensure_blob(blob, Store::Reuse::size_checked, how);
    downloads_.release();
    return outcome;
  }

  Result<std::filesystem::path> unpack(const Descriptor& blob, const std::string& diff_id) {
    const sys::Fd file = TRY(store_.open_blob(blob));
    LayerCaps caps;
    caps.max_bytes = options_.max_layer_bytes;
    caps.max_entries = options_.max_layer_entries;
    caps.stop = stop_.get_token();
    unpacks_.acquire();
    Result<std::filesystem::path> path = stop_.stop_requested()
                                             ? Result<std::filesystem::path>(error(Kind::aborted, "asked to stop"))
                                             : ensure_layer(store_.data_dir(), diff_id, file, caps,
                                                            progress_.meter(PullProgress::Stage::unpacking, blob));
    unpacks_.release();
    return path;
  }

  Result<bool> is_damaged(const Descriptor& blob) {
    Result<sys::Fd> file = store_.open_blob(blob);
    if (!file) return file.error().kind() == Kind::corrupt || file.error().kind() == Kind::not_found;
    BlobWriter reader = TRY(BlobWriter::resume(*std::move(file), blob));
    return !reader.finish().has_value();
  }

  const Store& store_;
  Origin& origin_;
  const ImageManifest& manifest_;
  const ImageConfig& config_;
  const PullOptions& options_;
  Progress& progress_;
  std::vector<std::filesystem::path> paths_;
  std::atomic<std::size_t> next_{0};
  std::counting_semaphore<> downloads_{kAtOnce};
  std::counting_semaphore<> unpacks_{kAtOnce};
  std::mutex error_mutex_;
  std::optional<Error> first_error_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> forward_stop_;
};

// A layer whose root is opaque hides those below it, which overlayfs would not notice by itself.
Result<std::vector<std::filesystem::path>> visible_layers(std::vector<std::filesystem::path> layers) {
  for (std::size_t i = layers.size(); i-- > 1;) {
    const bool hides = TRY(hides_all_below(layers[i]));
    if (!hides) continue;
    layers.erase(layers.begin(), layers.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  return layers;
}

Result<> keep_document(const Store& store, const Descriptor& descriptor, const std::string& bytes) {
  const Store::Fetch how{[&](BlobWriter& writer) -> Result<> {
                           TRY(writer.restart());
                           return writer.write(bytes);
                         },
                         {},
                         {}};
  TRY(store.ensure_blob(descriptor, Store::Reuse::digest_checked, how));
  return {};
}

Result<ImageConfig> bring_config(const Store& store, Origin& origin, const ImageManifest& manifest,
                                 const PullOptions& options) {
  const std::string name = to_string(manifest.config.digest);
  const Store::Fetch how{[&](BlobWriter& writer) { return origin.fetch(writer, options.stop); }, {}, options.stop};
  TRY(store.ensure_blob(manifest.config, Store::Reuse::digest_checked, how).while_doing("config ", name));
  const std::string bytes = TRY(store.read_document(manifest.config));
  ImageConfig config = TRY(parse_image_config(bytes).while_doing("config ", name));
  TRY(check_platform(config, host_platform()));
  if (config.diff_ids.size() != manifest.layers.size()) {
    return error(Kind::corrupt, "config ", name, " has ", config.diff_ids.size(), " diff_ids for ",
                 manifest.layers.size(), " layers");
  }
  return config;
}

}  // namespace

Result<Image> pull(const Store& store, Origin& origin, const ReceivedDocument& top, const PullNames& names,
                   const PullOptions& options) {
  (void)sweep_layers(store.data_dir());
  Progress progress(options);
  const Resolved resolved = TRY(resolve(origin, top, host_platform()));
  ImageConfig config = TRY(bring_config(store, origin, resolved.manifest, options));
  Image image{names.asked, to_string(resolved.descriptor.digest), to_string(resolved.manifest.config.digest), {}, {}};
  std::vector<std::filesystem::path> layers =
      TRY(LayerPull(store, origin, resolved.manifest, config, options, progress).run());
  image.layers = TRY(visible_layers(std::move(layers)));
  TRY(keep_document(store, resolved.descriptor, resolved.bytes));
  Entry entry{resolved.descriptor, names.reference, names.source};
  entry.manifest.platform = Platform{config.os, config.architecture, config.variant};
  TRY(store.add_entry(entry));
  image.config = std::move(config);
  return image;
}

Result<std::optional<Image>> assemble(const Store& store, const Entry& entry, const std::string& asked) {
  const std::string bytes = TRY(store.read_document(entry.manifest));
  Document document = TRY(parse_document(bytes, entry.manifest.media_type));
  const auto* manifest = std::get_if<ImageManifest>(&document);
  // Another tool may have put an index here; the pull chooses from it.
  if (manifest == nullptr) return std::optional<Image>();
  const std::string config_bytes = TRY(store.read_document(manifest->config));
  Image image{asked, to_string(entry.manifest.digest), to_string(manifest->config.digest), {}, {}};
  image.config = TRY(parse_image_config(config_bytes));
  TRY(check_platform(image.config, host_platform()));
  for (const std::string& diff_id : image.config.diff_ids) {
    std::optional<std::filesystem::path> path = find_layer(store.data_dir(), diff_id);
    if (!path) return std::optional<Image>();
    image.layers.push_back(*std::move(path));
  }
  image.layers = TRY(visible_layers(std::move(image.layers)));
  return std::optional<Image>(std::move(image));
}

}  // namespace tank::image
