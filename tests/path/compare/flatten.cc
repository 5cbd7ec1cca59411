#include "path/compare/flatten.h"

#include <boost/json.hpp>
#include <filesystem>

namespace tank::test {

namespace {

namespace json = boost::json;

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

/// What an entry of a list is called: its path or name, else its place.
std::string label_of(const json::value& entry, std::size_t place) {
  if (const json::object* object = entry.if_object()) {
    for (const char* key : {"path", "name"}) {
      if (const json::value* label = object->if_contains(key)) return text_of(*label);
    }
  }
  return std::to_string(place);
}

void add(Fields& fields, const std::string& name, const json::value& value) {
  if (const json::object* object = value.if_object()) {
    for (const auto& [key, inner] : *object) {
      add(fields, name.empty() ? std::string(key) : name + "." + std::string(key), inner);
    }
  } else if (const json::array* array = value.if_array()) {
    fields[name + ".count"] = std::to_string(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
      std::string label = name + "[" + label_of((*array)[i], i) + "]";
      // A second mount at the same place covers the first: both count.
      while (fields.contains(label + ".path")) label += "'";
      add(fields, label, (*array)[i]);
    }
  } else {
    fields[name] = text_of(value);
  }
}

std::string of_namespace(const std::string& field, const std::string& value) {
  const std::string name = field.substr(std::string_view("namespaces.").size());
  std::error_code failure;
  const std::filesystem::path ours = std::filesystem::read_symlink("/proc/self/ns/" + name, failure);
  return failure || ours.native() != value ? "own" : "host";
}

}  // namespace

Fields flatten(const json::value& report) {
  Fields fields;
  add(fields, "", report);
  for (auto& [field, value] : fields) {
    if (field.starts_with("namespaces.")) value = of_namespace(field, value);
    if (field.starts_with("fds.") && value.starts_with("pipe:[")) value = "pipe";
  }
  return fields;
}

}  // namespace tank::test
