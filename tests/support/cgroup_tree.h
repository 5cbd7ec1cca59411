// The cgroups of this machine as a set of paths, to compare before and after a test.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace tank::test {

/// Every cgroup of every mounted hierarchy, as "/sys/fs/cgroup/memory/a/b". With `below`, those alone that have a
/// component of this name ("tank": what Tank made).
std::set<std::string> cgroup_tree(const std::string& below = "");

/// "+path" for each that came and "-path" for each that went, one a line; empty when nothing changed.
std::string changes(const std::set<std::string>& before, const std::set<std::string>& after);

/// The content of a file without its last newline; empty when it cannot be read.
std::string file_text(const std::filesystem::path& file);

}  // namespace tank::test
