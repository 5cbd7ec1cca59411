// A directory of a test's own, gone with everything in it when the test ends. Lives on disk below /var/tmp by default,
// since overlayfs wants an upper directory that is not itself on overlayfs or on some tmpfs.
#pragma once

#include <filesystem>
#include <string>

namespace tank::test {

class TempDir {
 public:
  /// Makes <parent>/tank-test-XXXXXX with mode 0755; throws std::runtime_error when it cannot, which ends the test.
  explicit TempDir(const std::filesystem::path& parent = "/var/tmp");
  /// Removes the tree, following nothing out of it. Mounts left below it are a fault of the test and are reported on
  /// standard error.
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The build tree this test belongs to, and the programs in it.
std::filesystem::path build_dir();
std::filesystem::path tank_program();   ///< bin/tank
std::filesystem::path shim_program();   ///< bin/tank-shim
std::filesystem::path probe_program();  ///< tests/probe, static

}  // namespace tank::test
