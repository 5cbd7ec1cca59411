// What a machine looks like from outside a pod: everything a pod may leave behind, as lines of text, so that two looks
// can be compared and a difference can be read. Kernel and path tests take one before and one after.
//
// Seen are: the mounts of this mount namespace; the links, addresses and routes of this network namespace; in every
// cgroup hierarchy the directories at the top, those below our own cgroup, and all below one named tank…; processes
// that are ours by descent, by their program or by name (tank…); named network namespaces; this process's own
// namespaces and descriptors; and the trees the caller names. What other programs of the machine do elsewhere is left
// out on purpose.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tank::test {

struct HostSnapshot {
  /// "mount", "link", "address", "route", "cgroup", "process", "namespace", "netns", "descriptor", "file" → lines.
  std::map<std::string, std::multiset<std::string>> sections;
};

/// Looks now. `trees` are directories whose every entry (path, type, mode, size) is noted; a missing one is empty.
HostSnapshot capture_host(const std::vector<std::filesystem::path>& trees = {});

/// Readable lines, "+ mount: …" for what is new and "- mount: …" for what is gone; empty when nothing changed.
std::vector<std::string> differences(const HostSnapshot& before, const HostSnapshot& after);

/// The differences that are still there when `patience` is over. The kernel takes down network namespaces and cgroups
/// behind our back after the last process has gone and says so nowhere, so this looks again until nothing differs.
std::vector<std::string> lasting_differences(const HostSnapshot& before,
                                             const std::vector<std::filesystem::path>& trees = {},
                                             std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace tank::test
