#include "image/store_index.h"

#include "image/json.h"

namespace tank::image {

namespace {

Entry entry_of(Descriptor descriptor) {
  const auto annotation = [&](std::string_view key) {
    const auto found = descriptor.annotations.find(std::string(key));
    return found == descriptor.annotations.end() ? std::string() : found->second;
  };
  std::string reference = annotation(kReferenceName);
  std::string source = annotation(kSourceDigest);
  if (source.empty()) source = to_string(descriptor.digest);
  return {std::move(descriptor), std::move(reference), std::move(source)};
}

boost::json::object to_json(const Entry& entry) {
  boost::json::object out;
  out["mediaType"] = entry.manifest.media_type;
  out["digest"] = to_string(entry.manifest.digest);
  out["size"] = entry.manifest.size;
  if (entry.manifest.platform) {
    boost::json::object platform;
    platform["architecture"] = entry.manifest.platform->architecture;
    platform["os"] = entry.manifest.platform->os;
    if (!entry.manifest.platform->variant.empty()) platform["variant"] = entry.manifest.platform->variant;
    out["platform"] = std::move(platform);
  }
  boost::json::object annotations;
  annotations[{kReferenceName.data(), kReferenceName.size()}] = entry.reference;
  annotations[{kSourceDigest.data(), kSourceDigest.size()}] = entry.source;
  out["annotations"] = std::move(annotations);
  return out;
}

// Entry i of the list is line i of the document: the two are edited together.
struct Edited {
  boost::json::object document;
  boost::json::array kept;
};

Result<Edited> drop(std::string_view text, const std::function<bool(const Entry&)>& chosen) {
  const std::vector<Entry> entries = TRY(parse_store_index(text));
  Edited edited;
  edited.document = TRY(json::parse_object(text));
  const boost::json::array* list = TRY(json::array(edited.document, "manifests"));
  for (std::size_t i = 0; list != nullptr && i < entries.size(); ++i) {
    if (!chosen(entries[i])) edited.kept.push_back((*list)[i]);
  }
  return edited;
}

}  // namespace

Result<std::vector<Entry>> parse_store_index(std::string_view text) {
  ImageIndex index = TRY(parse_layout_index(text));
  std::vector<Entry> out;
  out.reserve(index.manifests.size());
  for (Descriptor& descriptor : index.manifests) out.push_back(entry_of(std::move(descriptor)));
  return out;
}

Result<std::string> with_entry(std::string_view text, const Entry& entry) {
  Edited edited = TRY(drop(text, [&](const Entry& old) { return old.reference == entry.reference; }));
  edited.kept.push_back(to_json(entry));
  edited.document["manifests"] = std::move(edited.kept);
  return boost::json::serialize(edited.document);
}

Result<std::string> without_entries(std::string_view text, const std::function<bool(const Entry&)>& chosen) {
  Edited edited = TRY(drop(text, chosen));
  edited.document["manifests"] = std::move(edited.kept);
  return boost::json::serialize(edited.document);
}

}  // namespace tank::image
