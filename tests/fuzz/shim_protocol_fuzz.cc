// Whatever a peer or a damaged memory file may hold: the decoders of the shim must refuse it or give something whose
// every text lies inside what they were given.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "shim/message.h"
#include "shim/plan.h"

namespace {

using namespace tank::shim;

std::string_view g_bytes;

void must_lie_inside(const char* text) {
  const bool is_constant = text[0] == '\0' || std::strcmp(text, "/") == 0;
  if (is_constant) return;
  if (text < g_bytes.data() || text + std::strlen(text) >= g_bytes.data() + g_bytes.size()) std::abort();
}

void check(const Plan& plan) {
  for (const char* text : {plan.name, plan.root, plan.upper, plan.work, plan.directory}) must_lie_inside(text);
  for (const auto* texts : {&plan.lower, &plan.masked, &plan.readonly}) {
    for (const char* text : *texts) must_lie_inside(text);
  }
  for (const auto* texts : {&plan.arguments, &plan.environment}) {
    if (texts->back() != nullptr) std::abort();
    for (std::size_t i = 0; i + 1 < texts->size(); ++i) must_lie_inside((*texts)[i]);
  }
  for (const MountStep& step : plan.mounts) {
    for (const char* text : {step.destination, step.type, step.source, step.subdirectory}) must_lie_inside(text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  g_bytes = {reinterpret_cast<const char*>(data), size};
  if (const auto request = decode_request(g_bytes)) {
    // What was understood is written and understood the same way again.
    const auto again = decode_request(encode(*request));
    if (!again || again->container != request->container || again->type != request->type) std::abort();
  }
  if (const auto answer = decode_answer(g_bytes)) {
    if (!decode_answer(encode(*answer))) std::abort();
  }
  if (const auto plan = decode_plan(g_bytes)) check(*plan);
  return 0;
}
