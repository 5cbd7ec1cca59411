#include "support/host_snapshot.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>

namespace tank::test {

namespace {

namespace fs = std::filesystem;
using Lines = std::multiset<std::string>;

std::vector<std::string> read_lines(const fs::path& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// The names in a directory that may change or vanish under us.
std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), &::closedir);
  if (!stream) return names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

std::string link_target(const fs::path& path) {
  std::error_code ignored;
  return fs::read_symlink(path, ignored);
}

// proc(5): id, parent id, major:minor, root, mount point, options, optional fields, "-", type, source, super options.
// The two ids are numbers of the moment.
std::string without_ids(const std::string& mountinfo_line) {
  std::size_t at = mountinfo_line.find(' ');
  at = mountinfo_line.find(' ', at + 1);
  return mountinfo_line.substr(at + 1);
}

Lines mounts() {
  Lines lines;
  for (const std::string& line : read_lines("/proc/self/mountinfo")) lines.insert(without_ids(line));
  return lines;
}

Lines links() {
  Lines lines;
  const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> all(::if_nameindex(), &::if_freenameindex);
  for (const auto* link = all.get(); link != nullptr && link->if_name != nullptr; ++link) {
    lines.insert(std::to_string(link->if_index) + " " + link->if_name);
  }
  return lines;
}

Lines addresses() {
  Lines lines;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) < 0) return lines;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, &::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    std::array<char, NI_MAXHOST> text{};
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    ::getnameinfo(one->ifa_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
    lines.insert(std::string(one->ifa_name) + " " + text.data());
  }
  return lines;
}

// Columns of proc_net(5) tables that name the route; the others count its users.
Lines route_table(const fs::path& table, const std::vector<std::size_t>& columns) {
  Lines lines;
  for (const std::string& row : read_lines(table)) {
    const std::vector<std::string> words = words_of(row);
    // The head of the table comes with the first route a namespace ever has, and stays.
    if (words.empty() || words[0] == "Iface") continue;
    std::string line;
    for (const std::size_t column : columns) line += column < words.size() ? words[column] + " " : "";
    lines.insert(line);
  }
  return lines;
}

Lines routes() {
  Lines lines = route_table("/proc/thread-self/net/route", {0, 1, 2, 7});
  lines.merge(route_table("/proc/thread-self/net/ipv6_route", {0, 1, 4, 9}));
  return lines;
}

enum class Depth : std::uint8_t { children, all };

void add_directories(const fs::path& directory, Depth depth, Lines& into) {
  for (const std::string& name : names_in(directory)) {
    const fs::path path = directory / name;
    std::error_code ignored;
    if (!fs::is_directory(fs::symlink_status(path, ignored))) continue;
    into.insert(path);
    const bool ours = name.rfind("tank", 0) == 0;
    if (ours || depth == Depth::all) add_directories(path, Depth::all, into);
  }
}

/// Our own cgroup per hierarchy, keyed as /proc/self/cgroup keys them: "memory", "name=systemd", "" for the unified
/// one.
std::map<std::string, std::string> own_cgroups() {
  std::map<std::string, std::string> paths;
  for (const std::string& line : read_lines("/proc/self/cgroup")) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    paths[line.substr(first + 1, second - first - 1)] = line.substr(second + 1);
  }
  return paths;
}

Lines cgroups() {
  Lines lines;
  const std::map<std::string, std::string> own = own_cgroups();
  for (const std::string& row : read_lines("/proc/self/mountinfo")) {
    const std::vector<std::string> words = words_of(row);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (std::distance(dash, words.end()) < 4 || dash[1].rfind("cgroup", 0) != 0) continue;
    const fs::path mount_point = words[4];
    Lines found;
    add_directories(mount_point, Depth::children, found);
    for (const auto& [controllers, path] : own) {
      const bool here = dash[1] == "cgroup2" ? controllers.empty()
                                             : !controllers.empty() && dash[3].find(controllers) != std::string::npos;
      if (here && path != "/") add_directories(mount_point / fs::path(path).relative_path(), Depth::children, found);
    }
    // The same hierarchy may be mounted twice; a set per mount keeps what is seen twice from counting twice.
    for (const std::string& directory : std::set<std::string>(found.begin(), found.end())) lines.insert(directory);
  }
  return lines;
}

struct Process {
  std::string name;
  std::string program;
  int parent = 0;
};

std::optional<Process> observe_process(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string stat;
  std::getline(file, stat);
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;  // it ended meanwhile
  const std::vector<std::string> after = words_of(stat.substr(close + 1));
  if (after.size() < 2) return std::nullopt;
  return Process{stat.substr(open + 1, close - open - 1), link_target("/proc/" + pid + "/exe"), std::stoi(after[1])};
}

bool descends_from(const std::map<int, Process>& all, int pid, int ancestor) {
  for (auto at = all.find(pid); at != all.end(); at = all.find(at->second.parent)) {
    if (at->second.parent == ancestor) return true;
  }
  return false;
}

Lines processes() {
  std::map<int, Process> all;
  for (const std::string& name : names_in("/proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (const auto process = observe_process(name)) all[std::stoi(name)] = *process;
  }
  const int self = ::getpid();
  const std::string own_folder = fs::path(link_target("/proc/self/exe")).parent_path();
  Lines lines;
  for (const auto& [pid, process] : all) {
    const bool ours = descends_from(all, pid, self) || process.name.rfind("tank", 0) == 0 ||
                      process.program.rfind(own_folder + "/", 0) == 0;
    if (pid != self && ours) lines.insert(process.name + " (pid " + std::to_string(pid) + ")");
  }
  return lines;
}

Lines named_netns() {
  Lines lines;
  for (const char* directory : {"/run/netns", "/var/run/netns"}) {
    for (const std::string& name : names_in(directory)) lines.insert(std::string(directory) + "/" + name);
  }
  return lines;
}

Lines own_namespaces() {
  Lines lines;
  for (const std::string& name : names_in("/proc/thread-self/ns")) {
    lines.insert(link_target("/proc/thread-self/ns/" + name));
  }
  return lines;
}

bool numbered(const std::string& target) { return target.rfind("socket:[", 0) == 0 || target.rfind("pipe:[", 0) == 0; }

Lines own_descriptors() {
  Lines lines;
  for (const std::string& number : names_in("/proc/self/fd")) {
    const std::string target = link_target("/proc/self/fd/" + number);
    // The number in socket:[123] differs for each; how many there are is what counts. /proc/…/fd is this listing.
    const bool listing = target.size() > 3 && target.compare(target.size() - 3, 3, "/fd") == 0;
    if (!target.empty() && !listing)
      lines.insert(target.substr(0, numbered(target) ? target.find(':') : target.size()));
  }
  return lines;
}

Lines entries_of(const std::vector<fs::path>& trees) {
  Lines lines;
  std::vector<fs::path> left = trees;
  while (!left.empty()) {
    const fs::path path = left.back();
    left.pop_back();
    struct stat found {};
    if (::lstat(path.c_str(), &found) < 0) continue;
    std::ostringstream line;
    line << path.native() << " mode " << std::oct << found.st_mode << std::dec;
    if (S_ISREG(found.st_mode)) line << " size " << found.st_size;
    lines.insert(line.str());
    if (!S_ISDIR(found.st_mode)) continue;
    for (const std::string& name : names_in(path)) left.push_back(path / name);
  }
  return lines;
}

}  // namespace

HostSnapshot capture_host(const std::vector<fs::path>& trees) {
  HostSnapshot seen;
  seen.sections["mount"] = mounts();
  seen.sections["link"] = links();
  seen.sections["address"] = addresses();
  seen.sections["route"] = routes();
  seen.sections["cgroup"] = cgroups();
  seen.sections["process"] = processes();
  seen.sections["netns"] = named_netns();
  seen.sections["namespace"] = own_namespaces();
  seen.sections["descriptor"] = own_descriptors();
  seen.sections["file"] = entries_of(trees);
  return seen;
}

std::vector<std::string> differences(const HostSnapshot& before, const HostSnapshot& after) {
  static const Lines kNone;
  std::vector<std::string> out;
  const auto lines_of = [](const HostSnapshot& snapshot, const std::string& section) -> const Lines& {
    const auto found = snapshot.sections.find(section);
    return found == snapshot.sections.end() ? kNone : found->second;
  };
  std::set<std::string> names;
  for (const HostSnapshot* snapshot : {&before, &after}) {
    for (const auto& section : snapshot->sections) names.insert(section.first);
  }
  for (const std::string& name : names) {
    const Lines& old_lines = lines_of(before, name);
    const Lines& new_lines = lines_of(after, name);
    std::vector<std::string> gone;
    std::vector<std::string> come;
    std::set_difference(old_lines.begin(), old_lines.end(), new_lines.begin(), new_lines.end(),
                        std::back_inserter(gone));
    std::set_difference(new_lines.begin(), new_lines.end(), old_lines.begin(), old_lines.end(),
                        std::back_inserter(come));
    for (const std::string& line : gone) out.push_back("- " + name + ": " + line);
    for (const std::string& line : come) out.push_back("+ " + name + ": " + line);
  }
  return out;
}

std::vector<std::string> lasting_differences(const HostSnapshot& before, const std::vector<fs::path>& trees,
                                             std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    std::vector<std::string> found = differences(before, capture_host(trees));
    if (found.empty() || std::chrono::steady_clock::now() >= deadline) return found;
    ::poll(nullptr, 0, 10);
  }
}

}  // namespace tank::test
