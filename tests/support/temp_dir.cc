#include "support/temp_dir.h"

#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "sys/file.h"

namespace tank::test {

TempDir::TempDir(const std::filesystem::path& parent) {
  std::string name = parent / "tank-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error(errno_error("making a temporary directory in '", parent.native(), "'").sentence());
  }
  path_ = name;
  std::filesystem::permissions(path_, std::filesystem::perms{0755});
}

TempDir::~TempDir() {
  const Result<> removed = sys::remove_tree(path_);
  if (!removed) std::cerr << "removing " << path_ << ": " << to_string(removed.error()) << "\n";
}

std::filesystem::path build_dir() { return TANK_TEST_BUILD_DIR; }
std::filesystem::path tank_program() { return build_dir() / "bin/tank"; }
std::filesystem::path shim_program() { return build_dir() / "bin/tank-shim"; }
std::filesystem::path probe_program() { return build_dir() / "tests/probe"; }

}  // namespace tank::test
