// A seccomp profile as bytes: refused, or a program of whole instructions that the kernel's own limit holds.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "oci/bpf.h"
#include "oci/seccomp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto profile = tank::oci::parse_seccomp_profile(text, {"CAP_SYS_ADMIN"}, "amd64");
  if (!profile) return 0;
  const auto program = tank::oci::compile_seccomp(*profile);
  if (!program) return 0;
  const std::size_t count = program->size() / sizeof(tank::oci::bpf::Instruction);
  const bool sound = program->size() % sizeof(tank::oci::bpf::Instruction) == 0 && count != 0 &&
                     count <= tank::oci::bpf::kMostInstructions;
  if (!sound) std::abort();
  return 0;
}
