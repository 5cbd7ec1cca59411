// From the text of a manifest file to Pods: strict, with every error of the file at once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tank/pod.h"

namespace tank {

/// Where in a file, and what: "web.yaml:12:5: spec.containers[0].image: must not be empty".
struct Finding {
  std::string file;
  std::size_t line = 0;    ///< from 1
  std::size_t column = 0;  ///< from 1
  std::string path;        ///< spec.containers[0].image
  std::string rule;        ///< what does not hold, and what would
};

std::string to_string(const Finding& finding);

struct Manifest {
  std::vector<Pod> pods;          ///< in file order; empty when there are errors
  std::vector<Finding> errors;    ///< in file order
  std::vector<Finding> warnings;  ///< fields accepted without effect on one machine
};

/// Reads YAML or JSON documents of kinds Pod, List and NetworkAttachmentDefinition. Pure: reads no file. `file` is only
/// the name in findings. Bounded: input over 8 MiB, alias expansion over 100 000 nodes and nesting over 100 levels are
/// errors.
Manifest parse_manifests(std::string_view text, std::string_view file);

}  // namespace tank
