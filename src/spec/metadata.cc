// Fields of meta/v1 ObjectMeta. What an API server writes into it is accepted, so that exported manifests can be used.
#include "spec/metadata.h"

#include "spec/fields.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

constexpr std::size_t kMaxAnnotationBytes = std::size_t{256} << 10U;

void read_labels(const Value& value, Metadata& metadata) {
  if (!value.is_map()) return;
  for (const Entry& entry : value.entries()) {
    const Value member = value.member(entry);
    if (!kLabelKey.holds(entry.key)) value.key(entry).refuse(kLabelKey.rule);
    if (member.is_absent()) {
      metadata.labels[entry.key] = "";
    } else if (auto text = member.text(kLabelValue)) {
      metadata.labels[entry.key] = std::move(*text);
    }
  }
}

// Kubernetes checks annotation keys in lower case, so Example.com/x is one.
bool is_annotation_key(std::string_view key) {
  std::string lower(key.substr(0, 512));
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return key.size() <= 512 && kLabelKey.holds(lower);
}

void read_annotations(const Value& value, Metadata& metadata) {
  if (!value.is_map()) return;
  std::size_t bytes = 0;
  for (const Entry& entry : value.entries()) {
    const Value member = value.member(entry);
    if (!is_annotation_key(entry.key)) value.key(entry).refuse(kLabelKey.rule);
    const auto text = member.is_absent() ? std::optional(std::string()) : member.text();
    if (!text) continue;
    bytes += entry.key.size() + text->size();
    metadata.annotations[entry.key] = *text;
    metadata.notes.push_back(Annotation{entry.key, *text, member});
  }
  if (bytes > kMaxAnnotationBytes) value.refuse("annotations must not exceed ", kMaxAnnotationBytes, " bytes together");
}

constexpr Field<Metadata> kFields[] = {
    required<Metadata>("name",
                       [](const Value& v, Metadata& m) {
                         m.place = v;
                         assign(m.name, v.text(kDnsSubdomain));
                       }),
    optional<Metadata>("namespace", [](const Value& v, Metadata& m) { assign(m.name_space, v.text(kDnsLabel)); }),
    optional<Metadata>("labels", read_labels),
    optional<Metadata>("annotations", read_annotations),
    {{"generateName", Standing::silent, {}}},
    {{"uid", Standing::silent, {}}},
    {{"resourceVersion", Standing::silent, {}}},
    {{"creationTimestamp", Standing::silent, {}}},
    {{"generation", Standing::silent, {}}},
    {{"managedFields", Standing::silent, {}}},
    {{"selfLink", Standing::silent, {}}},
    {{"deletionTimestamp", Standing::silent, {}}},
    {{"deletionGracePeriodSeconds", Standing::silent, {}}},
    {{"ownerReferences", Standing::ignored, {}}},
    {{"finalizers", Standing::ignored, {}}},
};

}  // namespace

void read_metadata(const Value& value, Metadata& metadata) {
  metadata.place = value;
  read_fields(value, kFields, metadata);
}

}  // namespace tank::spec
