// Objects as tables: one row per field that Kubernetes knows there, with what we do about it. A row that is supported
// carries the function that reads it, so no field can be listed and forgotten.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "spec/nearest.h"
#include "spec/value.h"

namespace tank::spec {

enum class Standing : std::uint8_t {
  optional,
  required,
  ignored,     ///< accepted with a warning: without meaning on one machine
  silent,      ///< accepted without a word: what an API server adds to what it hands out
  unsupported  ///< known, but ignoring it would change what the workload is or sees
};

struct FieldName {
  std::string_view name;
  Standing standing = Standing::optional;
  /// For unsupported fields: the value that asks for nothing ("false", "None", "{}"). Exported manifests are full of
  /// them. An empty list never asks for anything.
  std::string_view harmless;
};

template <typename Target>
struct Field {
  FieldName name;
  void (*read)(const Value& value, Target& target) = nullptr;
};

template <typename Target>
constexpr Field<Target> required(std::string_view name, void (*read)(const Value&, Target&)) {
  return {{name, Standing::required, {}}, read};
}
template <typename Target>
constexpr Field<Target> optional(std::string_view name, void (*read)(const Value&, Target&)) {
  return {{name, Standing::optional, {}}, read};
}

/// Says what there is to say about a field that is not read.
void note_field(const Value& value, const Place& key, const FieldName& field);

/// The finding for a key that no row has.
template <typename Target, std::size_t N>
void refuse_unknown(const Place& key, std::string_view name, const Field<Target> (&fields)[N]) {
  Nearest nearest(name);
  if (key.findings().error_count() < Findings::kMaxShown) {
    for (const Field<Target>& field : fields) nearest.consider(field.name.name);
  }
  key.refuse("unknown field", nearest.hint());
}

/// Reads an object into `target`, in the order of the file. Missing required fields are found at the object itself.
template <typename Target, std::size_t N>
void read_fields(const Value& value, const Field<Target> (&fields)[N], Target& target) {
  if (!value.is_map()) return;
  bool seen[N] = {};
  for (const Entry& entry : value.entries()) {
    const auto named = [&](const Field<Target>& field) { return field.name.name == entry.key; };
    const auto* found = std::find_if(std::begin(fields), std::end(fields), named);
    if (found == std::end(fields)) {
      refuse_unknown(value.key(entry), entry.key, fields);
      continue;
    }
    const Value member = value.member(entry);
    if (member.is_absent()) continue;
    seen[found - fields] = true;
    if (found->read != nullptr) {
      found->read(member, target);
    } else {
      note_field(member, value.key(entry), found->name);
    }
  }
  for (std::size_t i = 0; i < N; ++i) {
    if (fields[i].name.standing == Standing::required && !seen[i]) value.refuse(fields[i].name.name, " is required");
  }
}

/// Reads a list of objects.
template <typename Target, std::size_t N>
std::vector<Target> read_list(const Value& value, const Field<Target> (&fields)[N]) {
  std::vector<Target> out;
  for (const Value& item : value.items()) read_fields(item, fields, out.emplace_back());
  return out;
}

}  // namespace tank::spec
