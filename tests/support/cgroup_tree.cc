#include "support/cgroup_tree.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

namespace tank::test {

namespace fs = std::filesystem;

namespace {

std::set<fs::path> hierarchy_mounts() {
  std::set<fs::path> mounts;
  std::ifstream lines("/proc/self/mounts");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string source, point, type;
    words >> source >> point >> type;
    if (type == "cgroup" || type == "cgroup2") mounts.insert(point);
  }
  return mounts;
}

}  // namespace

std::set<std::string> cgroup_tree(const std::string& below) {
  std::set<std::string> tree;
  for (const fs::path& mount : hierarchy_mounts()) {
    std::error_code failure;
    // Cgroups come and go while we look: what vanishes under the iterator is skipped.
    for (fs::recursive_directory_iterator at(mount, failure), end; !failure && at != end; at.increment(failure)) {
      std::error_code gone;
      if (!at->is_directory(gone)) continue;
      const fs::path& path = at->path();
      if (below.empty() || std::find(path.begin(), path.end(), fs::path(below)) != path.end()) tree.insert(path);
    }
  }
  return tree;
}

std::string changes(const std::set<std::string>& before, const std::set<std::string>& after) {
  std::string out;
  for (const std::string& path : before) {
    if (!after.contains(path)) out += "-" + path + "\n";
  }
  for (const std::string& path : after) {
    if (!before.contains(path)) out += "+" + path + "\n";
  }
  return out;
}

std::string file_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace tank::test
