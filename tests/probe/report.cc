// The verb that reports: one section per thing a container runtime decides. Facts as the kernel words them, so that a
// test compares what a workload sees and not what we believe.
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "json.h"
#include "probe.h"

extern char** environ;

namespace probe {

std::string content_of(const std::string& path) {
  std::string out;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return out;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  return out;
}

namespace {

std::vector<std::string> split(const std::string& text, std::string_view separators) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; (at = text.find_first_not_of(separators, at)) != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end;
  }
  return parts;
}

std::string first_line(const std::string& path) {
  const std::string content = content_of(path);
  return content.substr(0, content.find('\n'));
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) return names;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

std::string target_of(const std::string& path) {
  char buffer[4096];
  const ssize_t size = ::readlink(path.c_str(), buffer, sizeof buffer);
  return size < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(size));
}

void list(Json& json, const char* key, const std::vector<std::string>& values) {
  json.open(key, '[');
  for (const std::string& value : values) json.text("", value);
  json.close(']');
}

// proc_pid_cmdline(5): each argument, empty ones too, ends in a NUL.
std::vector<std::string> own_arguments() {
  const std::string content = content_of("/proc/self/cmdline");
  std::vector<std::string> arguments;
  for (std::size_t at = 0; at < content.size(); at += arguments.back().size() + 1) {
    arguments.emplace_back(content.c_str() + at);
  }
  return arguments;
}

void process(Json& json) {
  json.number("pid", ::getpid());
  json.number("ppid", ::getppid());
  json.number("session", ::getsid(0));
  json.number("group", ::getpgrp());
  char cwd[4096];
  json.text("cwd", ::getcwd(cwd, sizeof cwd) != nullptr ? cwd : strerrorname_np(errno));
  const mode_t mask = ::umask(0);
  ::umask(mask);
  json.number("umask", mask);
  list(json, "argv", own_arguments());
  std::vector<std::string> env;
  for (char** line = environ; *line != nullptr; ++line) env.emplace_back(*line);
  list(json, "env", env);
  json.text("oom_score_adj", first_line("/proc/self/oom_score_adj"));
  list(json, "visible_pids", [] {
    std::vector<std::string> pids;
    for (const std::string& name : names_in("/proc")) {
      if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(name);
    }
    return pids;
  }());
}

// Lines of proc_pid_status(5) by their own names: ids, groups, the five capability sets, seccomp, signal masks.
void status(Json& json) {
  constexpr const char* kWanted[] = {"Uid",    "Gid",        "Groups",  "CapInh",          "CapPrm", "CapEff", "CapBnd",
                                     "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "SigBlk", "SigIgn"};
  for (const std::string& line : split(content_of("/proc/self/status"), "\n")) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string name = line.substr(0, colon);
    const auto same = [&](const char* wanted) { return name == wanted; };
    if (std::none_of(std::begin(kWanted), std::end(kWanted), same)) continue;
    std::string value;
    for (const std::string& word : split(line.substr(colon + 1), " \t")) value += value.empty() ? word : " " + word;
    json.text(name, value);
  }
}

void rlimits(Json& json) {
  struct Named {
    const char* name;
    int number;
  };
  constexpr Named kLimits[] = {
      {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
      {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},       {"locks", RLIMIT_LOCKS},
      {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
      {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},       {"rss", RLIMIT_RSS},
      {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
      {"stack", RLIMIT_STACK},
  };
  const auto shown = [](rlim_t value) { return value == RLIM_INFINITY ? "unlimited" : std::to_string(value); };
  for (const Named& limit : kLimits) {
    rlimit value{};
    ::getrlimit(static_cast<__rlimit_resource_t>(limit.number), &value);
    json.text(limit.name, shown(value.rlim_cur) + " " + shown(value.rlim_max));
  }
}

void namespaces(Json& json) {
  for (const std::string& name : names_in("/proc/self/ns")) json.text(name, target_of("/proc/self/ns/" + name));
}

void mounts(Json& json) {
  for (const std::string& line : split(content_of("/proc/self/mountinfo"), "\n")) {
    const std::vector<std::string> words = split(line, " ");
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || words.end() - dash < 4) continue;
    json.open("", '{');
    json.text("path", words[4]);
    json.text("root", words[3]);
    json.text("options", words[5]);
    json.text("propagation", dash - words.begin() > 6 ? words[6] : "private");
    json.text("type", dash[1]);
    json.text("source", dash[2]);
    json.text("super", dash[3]);
    json.close('}');
  }
}

void descriptors(Json& json) {
  for (const std::string& name : names_in("/proc/self/fd")) {
    const std::string target = target_of("/proc/self/fd/" + name);
    // The listing's own descriptor is closed by now.
    if (!target.empty()) json.text(name, target);
  }
}

void add_devices(Json& json, const std::string& directory) {
  for (const std::string& name : names_in(directory)) {
    const std::string path = directory + "/" + name;
    struct stat found {};
    if (::lstat(path.c_str(), &found) < 0) continue;
    json.open("", '{');
    json.text("path", path);
    char mode[16];
    std::snprintf(mode, sizeof mode, "%06o", found.st_mode);
    json.text("mode", mode);
    json.text("owner", std::to_string(found.st_uid) + ":" + std::to_string(found.st_gid));
    if (S_ISLNK(found.st_mode)) json.text("target", target_of(path));
    if (S_ISCHR(found.st_mode) || S_ISBLK(found.st_mode)) {
      json.text("device", std::to_string(major(found.st_rdev)) + ":" + std::to_string(minor(found.st_rdev)));
    }
    json.close('}');
    if (S_ISDIR(found.st_mode)) add_devices(json, path);
  }
}

void devices(Json& json) { add_devices(json, "/dev"); }

void uts(Json& json) {
  utsname names{};
  ::uname(&names);
  json.text("hostname", names.nodename);
  json.text("domainname", names.domainname);
}

std::string numeric(const sockaddr* address) {
  char text[NI_MAXHOST] = "";
  const socklen_t size = address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  ::getnameinfo(address, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

void one_interface(Json& json, int socket, const char* name, const ifaddrs* all) {
  ifreq request{};
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  json.text("name", name);
  if (::ioctl(socket, SIOCGIFFLAGS, &request) == 0) json.number("up", (request.ifr_flags & IFF_UP) != 0);
  if (::ioctl(socket, SIOCGIFMTU, &request) == 0) json.number("mtu", request.ifr_mtu);
  if (::ioctl(socket, SIOCGIFHWADDR, &request) == 0) {
    const auto* b = reinterpret_cast<const unsigned char*>(request.ifr_hwaddr.sa_data);
    char mac[18];
    std::snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    json.text("mac", mac);
  }
  json.open("addresses", '[');
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || std::strcmp(one->ifa_name, name) != 0) continue;
    const int family = one->ifa_addr->sa_family;
    if (family == AF_INET || family == AF_INET6)
      json.text("", numeric(one->ifa_addr) + " mask " + numeric(one->ifa_netmask));
  }
  json.close(']');
}

void interfaces(Json& json) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) < 0) all = nullptr;
  struct if_nameindex* links = ::if_nameindex();
  for (const auto* link = links; link != nullptr && link->if_name != nullptr; ++link) {
    json.open("", '{');
    one_interface(json, socket, link->if_name, all);
    json.close('}');
  }
  if (links != nullptr) ::if_freenameindex(links);
  if (all != nullptr) ::freeifaddrs(all);
  ::close(socket);
}

// Columns as proc_net(5) gives them: addresses in hexadecimal.
void routes(Json& json) {
  for (const char* table : {"/proc/net/route", "/proc/net/ipv6_route"}) {
    for (const std::string& line : split(content_of(table), "\n")) {
      std::string row;
      for (const std::string& word : split(line, " \t")) row += row.empty() ? word : " " + word;
      if (row.rfind("Iface", 0) != 0) json.text("", row);
    }
  }
}

// Our own cgroups, and whatever limit files are visible at the usual places of both layouts.
void cgroups(Json& json) {
  list(json, "member_of", split(content_of("/proc/self/cgroup"), "\n"));
  constexpr const char* kFiles[] = {"memory.max",
                                    "memory.high",
                                    "memory.swap.max",
                                    "memory.oom.group",
                                    "cpu.max",
                                    "cpu.weight",
                                    "pids.max",
                                    "memory/memory.limit_in_bytes",
                                    "memory/memory.memsw.limit_in_bytes",
                                    "cpu/cpu.cfs_quota_us",
                                    "cpu/cpu.cfs_period_us",
                                    "cpu/cpu.shares",
                                    "pids/pids.max"};
  json.open("limits", '{');
  for (const char* file : kFiles) {
    const std::string value = first_line(std::string("/sys/fs/cgroup/") + file);
    if (!value.empty()) json.text(file, value);
  }
  json.close('}');
}

std::string readable(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) < 0) return strerrorname_np(errno);
  if (S_ISDIR(found.st_mode)) return names_in(path).empty() ? "empty directory" : "directory";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return strerrorname_np(errno);
  char byte = 0;
  const ssize_t got = ::read(fd, &byte, 1);
  const std::string answer = got < 0 ? strerrorname_np(errno) : got == 0 ? "empty" : "bytes";
  ::close(fd);
  return answer;
}

// access(2) and not open(2): /proc/sysrq-trigger and its like must not be written to just to see whether one could.
std::string writable(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0 ? "yes" : strerrorname_np(errno);
}

void reading(Json& json) {
  for (const char* path :
       {"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
        "/sys/devices/virtual/powercap", "/sys/fs/cgroup", "/dev/shm", "/dev/mqueue"}) {
    json.text(path, readable(path));
  }
}

void writing(Json& json) {
  for (const char* path :
       {"/", "/dev", "/dev/shm", "/etc", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/proc/bus", "/proc/fs",
        "/proc/irq", "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward", "/proc/sysrq-trigger",
        "/proc/self/oom_score_adj", "/sys", "/sys/kernel", "/sys/fs/cgroup", "/sys/fs/cgroup/cgroup.procs", "/tmp"}) {
    json.text(path, writable(path));
  }
}

struct Section {
  const char* name;
  char bracket;
  void (*write)(Json&);
};

constexpr Section kSections[] = {
    {"process", '{', process},       {"status", '{', status},  {"rlimits", '{', rlimits},
    {"namespaces", '{', namespaces}, {"mounts", '[', mounts},  {"fds", '{', descriptors},
    {"devices", '[', devices},       {"uts", '{', uts},        {"interfaces", '[', interfaces},
    {"routes", '[', routes},         {"cgroup", '{', cgroups}, {"readable", '{', reading},
    {"writable", '{', writing},
};

bool wanted(const Arguments& arguments, const char* name) {
  for (int i = 0; i < arguments.count; ++i) {
    if (std::strcmp(arguments.at(i), name) == 0) return true;
  }
  return arguments.count == 0;
}

}  // namespace

int report(const Arguments& arguments) {
  Json json;
  json.open("", '{');
  for (const Section& section : kSections) {
    if (!wanted(arguments, section.name)) continue;
    json.open(section.name, section.bracket);
    section.write(json);
    json.close(section.bracket == '{' ? '}' : ']');
  }
  json.close('}');
  say(1, json.written() + "\n");
  return 0;
}

}  // namespace probe
