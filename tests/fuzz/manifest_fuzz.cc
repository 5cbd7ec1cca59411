// libFuzzer target: any bytes as a manifest. Checks what must hold of every result, on top of not crashing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tank/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const tank::Manifest manifest = tank::parse_manifests(text, "fuzz");
  if (!manifest.errors.empty() && !manifest.pods.empty()) std::abort();
  for (const tank::Finding& finding : manifest.errors) {
    if (finding.line == 0 || finding.column == 0 || finding.rule.empty()) std::abort();
  }
  for (const tank::Pod& pod : manifest.pods) {
    if (pod.name.empty() || pod.containers.empty()) std::abort();
  }
  return 0;
}
