// Shared libraries loaded when first needed: what only some commands use must not cost every start a relocation.
#pragma once

#include <string>

#include "tank/result.h"

namespace tank::sys {

/// A loaded library. It stays loaded for the life of the process: code of it may be running in any thread.
class DynamicLibrary {
 public:
  /// dlopen(3) by soname, looked for where the system's loader looks. Kind::not_found when there is none.
  static Result<DynamicLibrary> load(const std::string& soname);

  /// The function of this name, or Kind::not_found. The caller vouches for the type.
  template <typename Function>
  Result<Function*> function(const std::string& name) const {
    void* address = TRY(symbol(name));
    return reinterpret_cast<Function*>(address);
  }

 private:
  DynamicLibrary(void* handle, std::string soname) : handle_(handle), soname_(std::move(soname)) {}
  Result<void*> symbol(const std::string& name) const;

  void* handle_;
  std::string soname_;
};

}  // namespace tank::sys
