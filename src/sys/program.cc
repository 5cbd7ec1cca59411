#include "sys/program.h"

#include <unistd.h>

#include <array>
#include <climits>

namespace tank::sys {

Result<std::filesystem::path> beside_this_program(const std::string& name) {
  std::array<char, PATH_MAX> path;
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  if (length < 0) return errno_error("reading /proc/self/exe");
  const std::filesystem::path here =
      std::filesystem::path(std::string(path.data(), static_cast<std::size_t>(length))).parent_path();
  const std::filesystem::path beside = here / name;
  if (::access(beside.c_str(), X_OK) == 0) return beside;
  const std::filesystem::path installed = here.parent_path() / "libexec/tank" / name;
  if (::access(installed.c_str(), X_OK) == 0) return installed;
  return error(Kind::not_found, "finding ", name, ": neither '", beside.native(), "' nor '", installed.native(),
               "' is there");
}

}  // namespace tank::sys
