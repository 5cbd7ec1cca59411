// Everything a registry or an archive may send as a document, by its first byte: manifest or index, layout index,
// configuration, credentials file, challenge, store index.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/challenge.h"
#include "image/config.h"
#include "image/credentials.h"
#include "image/manifest.h"
#include "image/store_index.h"

using namespace tank::image;

namespace {

void fuzz_document(std::string_view text, std::string_view media_type) {
  const auto document = parse_document(text, media_type);
  if (!document) return;
  // Both readings of the same bytes must never be possible (CVE-2021-41190).
  const bool is_index = std::holds_alternative<ImageIndex>(*document);
  if (parse_document(text, is_index ? kOciManifest : kOciIndex)) std::abort();
  if (is_index) (void)select_manifest(std::get<ImageIndex>(*document), platform_of_machine("x86_64"));
  (void)digests_in(text);
}

void fuzz_store_index(std::string_view text) {
  const auto entries = parse_store_index(text);
  if (!entries) return;
  const auto rewritten = without_entries(text, [](const Entry&) { return false; });
  if (!rewritten || parse_store_index(*rewritten)->size() != entries->size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0: fuzz_document(text, ""); break;
    case 1: fuzz_document(text, kOciManifest); break;
    case 2: fuzz_document(text, kDockerList); break;
    case 3: (void)parse_image_config(text); break;
    case 4: (void)find_in_auth_file(text, "h.x", "a/b"); break;
    case 5: (void)parse_challenges(text); break;
    default: fuzz_store_index(text); break;
  }
  return 0;
}
