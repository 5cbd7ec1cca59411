// metadata of a Pod or a NetworkAttachmentDefinition, and the annotations that mean something to Tank.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "spec/value.h"

namespace tank::spec {

/// An annotation whose text is read later.
struct Annotation {
  std::string key;
  std::string text;
  Place place;
};

struct Metadata {
  std::string name;
  std::string name_space = "default";
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<Annotation> notes;  ///< the annotations again, with their places, in file order
  Place place;                    ///< of the name
};

void read_metadata(const Value& value, Metadata& metadata);

inline constexpr std::string_view kNetworksAnnotation = "k8s.v1.cni.cncf.io/networks";

}  // namespace tank::spec
