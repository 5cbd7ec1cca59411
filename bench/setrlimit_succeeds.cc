// Preloaded into a peer that insists on raising limits where this machine's root may not (no CAP_SYS_RESOURCE): the
// call is made, and a refusal is not told. Only so that the peer can be measured at all; it gets no slower by it.
#include <dlfcn.h>
#include <sys/resource.h>

extern "C" int setrlimit(__rlimit_resource_t resource, const rlimit* limit) noexcept {
  static const auto real =
      reinterpret_cast<int (*)(__rlimit_resource_t, const rlimit*)>(::dlsym(RTLD_NEXT, "setrlimit"));
  if (real != nullptr) real(resource, limit);
  return 0;
}
