// tank/image_store.h: listing, inspecting and removing images. Loading is in image_load.cc.
#include "tank/image_store.h"

#include <algorithm>
#include <set>

#include "image/config.h"
#include "image/harmless.h"
#include "image/json.h"
#include "image/layer.h"
#include "image/store.h"
#include "sys/file.h"
#include "sys/file_stream.h"

namespace tank {

namespace image {
namespace {

constexpr std::size_t kShortestId = 4;

/// An entry with what its documents say.
struct Opened {
  ImageManifest manifest;
  ImageConfig config;
  std::string manifest_json;
  std::string config_json;
};

Result<Opened> open_entry(const Store& store, const Entry& entry) {
  std::string manifest_json = TRY(store.read_document(entry.manifest));
  Document document = TRY(parse_document(manifest_json, entry.manifest.media_type));
  auto* manifest = std::get_if<ImageManifest>(&document);
  if (manifest == nullptr) return error(Kind::unsupported, "it is an index that another tool put there");
  std::string config_json = TRY(store.read_document(manifest->config));
  ImageConfig config = TRY(parse_image_config(config_json));
  return Opened{std::move(*manifest), std::move(config), std::move(manifest_json), std::move(config_json)};
}

StoredImage summary_of(const Entry& entry, const Result<Opened>& opened) {
  StoredImage out;
  out.reference = entry.reference;
  out.digest = to_string(entry.manifest.digest);
  out.source_digest = entry.source;
  if (!opened) return out;
  out.id = to_string(opened->manifest.config.digest);
  const ImageConfig& config = opened->config;
  out.platform = to_string(Platform{config.os, config.architecture, config.variant});
  const Result<boost::json::object> object = json::parse_object(opened->config_json);
  if (object) out.created = harmless(json::string(*object, "created").value_or(""), 40);
  out.size = opened->manifest.config.size;
  for (const Descriptor& layer : opened->manifest.layers) out.size += layer.size;
  return out;
}

// "sha256:…" in full, or the beginning of its hexadecimal part.
bool names_digest(std::string_view text, std::string_view digest) {
  if (text == digest) return true;
  const auto colon = digest.find(':');
  const std::string_view hex = digest.substr(colon + 1);
  return text.size() >= kShortestId && text.size() <= hex.size() && hex.substr(0, text.size()) == text;
}

struct Found {
  Entry entry;
  StoredImage summary;
};

std::vector<Found> by_digest(const Store& store, const std::vector<Entry>& entries, const std::string& text) {
  std::vector<Found> out;
  for (const Entry& entry : entries) {
    StoredImage summary = summary_of(entry, open_entry(store, entry));
    if (names_digest(text, summary.digest) || names_digest(text, summary.id) ||
        names_digest(text, summary.source_digest)) {
      out.push_back({entry, std::move(summary)});
    }
  }
  return out;
}

// A name wins over an id that happens to look like it.
Result<std::vector<Found>> look_up(const Store& store, const std::string& text) {
  const std::vector<Entry> entries = TRY(store.entries());
  for (const Entry& entry : entries) {
    if (entry.reference == text) return std::vector<Found>{{entry, summary_of(entry, open_entry(store, entry))}};
  }
  const Result<Reference> reference = parse_reference(text);
  if (reference) {
    const std::optional<Entry> entry = TRY(store.find(*reference));
    if (entry) return std::vector<Found>{{*entry, summary_of(*entry, open_entry(store, *entry))}};
  }
  std::vector<Found> found = by_digest(store, entries, text);
  if (found.empty()) return error(Kind::not_found, "image '", harmless(text, 300), "' is not in the store");
  const auto differs = [&](const Found& other) { return other.summary.digest != found.front().summary.digest; };
  if (std::any_of(found.begin(), found.end(), differs)) {
    return error(Kind::invalid, "'", text, "' fits several images; give more digits");
  }
  return found;
}

/// What images need: blobs of whatever kind by digest, unpacked layers by their directory's name.
struct Needs {
  std::set<Digest> blobs;
  std::set<std::string> layers;
};

void add_needs(const Store& store, const Descriptor& descriptor, Needs& needs, int depth) {
  needs.blobs.insert(descriptor.digest);
  const Result<std::string> text = store.read_document(descriptor);
  // A document that cannot be read needs nothing any more: the image is broken and has to be pulled anew.
  if (!text) return;
  for (const Digest& digest : digests_in(*text)) needs.blobs.insert(digest);
  const Result<Document> document = parse_document(*text, descriptor.media_type);
  if (!document) return;
  if (const auto* index = std::get_if<ImageIndex>(&*document); index != nullptr && depth < 4) {
    for (const Descriptor& manifest : index->manifests) add_needs(store, manifest, needs, depth + 1);
  }
  const auto* manifest = std::get_if<ImageManifest>(&*document);
  if (manifest == nullptr) return;
  const Result<std::string> config_text = store.read_document(manifest->config);
  const Result<ImageConfig> config =
      config_text ? parse_image_config(*config_text) : Result<ImageConfig>(ImageConfig{});
  if (!config) return;
  for (const std::string& diff_id : config->diff_ids) {
    const Result<Digest> digest = parse_digest(diff_id);
    if (digest) needs.layers.insert(digest->hex());
  }
}

Needs needs_of(const Store& store, const std::vector<Entry>& entries) {
  Needs needs;
  for (const Entry& entry : entries) add_needs(store, entry.manifest, needs, 0);
  return needs;
}

std::vector<std::string> unneeded_layers(const Store& store, const Needs& needs) {
  const Result<std::vector<std::string>> names = sys::list_dir(store.data_dir() / "layers");
  std::vector<std::string> out;
  if (!names) return out;
  for (const std::string& name : *names) {
    if (parse_digest("sha256:" + name) && needs.layers.count(name) == 0) out.push_back(name);
  }
  return out;
}

using InUse = std::function<bool(const std::filesystem::path&)>;

// Refuses when a layer of these images that no other image has is mounted.
Result<> check_unused(const Store& store, const std::vector<Entry>& removed, const Needs& kept, const InUse& in_use) {
  for (const std::string& name : needs_of(store, removed).layers) {
    const std::filesystem::path path = store.data_dir() / "layers" / name;
    if (kept.layers.count(name) == 0 && in_use && in_use(path)) {
      return error(Kind::busy, "image '", removed.front().reference, "' is in use by a running pod");
    }
  }
  return {};
}

Result<> collect(const Store& store, const InUse& in_use, RemovedImage& report) {
  // Read again inside: under the exclusive lock no pull can add what is about to be removed.
  std::optional<Needs> needs;
  const auto needed = [&](const Digest& digest) {
    if (!needs) {
      const Result<std::vector<Entry>> entries = store.entries();
      if (!entries) return true;
      needs = needs_of(store, *entries);
    }
    return needs->blobs.count(digest) != 0;
  };
  const auto layers = [&]() -> Result<> {
    const std::vector<Entry> entries = TRY(store.entries());
    for (const std::string& name : unneeded_layers(store, needs_of(store, entries))) {
      if (in_use && in_use(store.data_dir() / "layers" / name)) continue;
      TRY(remove_layer(store.data_dir(), "sha256:" + name));
      ++report.layers;
    }
    return {};
  };
  const std::optional<Store::Collected> collected = TRY(store.collect(needed, layers));
  if (collected) {
    report.blobs = collected->blobs;
    report.blob_bytes = collected->bytes;
  }
  return {};
}

}  // namespace
}  // namespace image

Result<std::vector<StoredImage>> list_images(const std::filesystem::path& data_dir) {
  const image::Store store = image::Store::at(data_dir);
  const std::vector<image::Entry> entries = TRY(store.entries());
  std::vector<StoredImage> out;
  for (const image::Entry& entry : entries) out.push_back(image::summary_of(entry, image::open_entry(store, entry)));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.reference < b.reference; });
  return out;
}

Result<ImageDetails> inspect_image(const std::filesystem::path& data_dir, const std::string& reference) {
  const image::Store store = image::Store::at(data_dir);
  std::vector<image::Found> found = TRY(image::look_up(store, reference));
  image::Opened opened = TRY(image::open_entry(store, found.front().entry).while_doing("image ", reference));
  ImageDetails out{std::move(found.front().summary),
                   std::move(opened.config),
                   {},
                   std::move(opened.manifest_json),
                   std::move(opened.config_json)};
  for (std::size_t i = 0; i < opened.manifest.layers.size(); ++i) {
    const image::Descriptor& layer = opened.manifest.layers[i];
    const std::string diff_id = i < out.config.diff_ids.size() ? out.config.diff_ids[i] : std::string();
    out.layers.push_back(
        {to_string(layer.digest), layer.media_type, layer.size, diff_id, image::find_layer(data_dir, diff_id)});
  }
  return out;
}

Result<RemovedImage> remove_image(const std::filesystem::path& data_dir, const std::string& reference,
                                  const std::function<bool(const std::filesystem::path&)>& in_use) {
  const image::Store store = image::Store::at(data_dir);
  const std::vector<image::Found> found = TRY(image::look_up(store, reference));
  std::set<std::string> names;
  std::vector<image::Entry> removed;
  for (const image::Found& one : found) {
    names.insert(one.entry.reference);
    removed.push_back(one.entry);
  }
  const auto chosen = [&](const image::Entry& entry) { return names.count(entry.reference) != 0; };
  std::vector<image::Entry> kept = TRY(store.entries());
  kept.erase(std::remove_if(kept.begin(), kept.end(), chosen), kept.end());
  TRY(image::check_unused(store, removed, image::needs_of(store, kept), in_use));
  TRY(store.remove_entries(chosen));
  RemovedImage report;
  report.references.assign(names.begin(), names.end());
  TRY(image::collect(store, in_use, report).while_doing("removing what image ", reference, " left"));
  return report;
}

}  // namespace tank
