#include "sys/dynamic_library.h"

#include <dlfcn.h>

namespace tank::sys {

Result<DynamicLibrary> DynamicLibrary::load(const std::string& soname) {
  void* handle = ::dlopen(soname.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return error(Kind::not_found, "loading '", soname, "': ", ::dlerror());
  return DynamicLibrary(handle, soname);
}

Result<void*> DynamicLibrary::symbol(const std::string& name) const {
  void* address = ::dlsym(handle_, name.c_str());
  if (address == nullptr) return error(Kind::not_found, "'", soname_, "' has no function '", name, "'");
  return address;
}

}  // namespace tank::sys
