// A directory of one test, and short words to fill it with.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace tank::rootfs {

namespace fs = std::filesystem;

class Scratch {
 public:
  Scratch() {
    std::string name = "/var/tmp/tank-rootfs-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
    ::chmod(name.c_str(), 0755);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& below) const { return path_ / below; }

 private:
  fs::path path_;
};

inline void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

inline std::string read(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

inline struct stat stat_of(const fs::path& path) {
  struct stat out {};
  if (::lstat(path.c_str(), &out) < 0) throw std::runtime_error("no " + path.native());
  return out;
}

inline mode_t mode(const fs::path& path) { return stat_of(path).st_mode & 07777; }

}  // namespace tank::rootfs
