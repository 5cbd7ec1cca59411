#include "network/hosts.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace tank::network {

namespace {

constexpr std::size_t kLongestHostname = 63;  // HOST_NAME_MAX is 64, but a DNS label has 63

constexpr std::string_view kLoopbackLines =
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n";

bool separates(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Does an entry of the file name the host? A mention in a comment does not count.
bool has_name(std::string_view hosts, std::string_view name) {
  while (!hosts.empty()) {
    std::string_view line = hosts.substr(0, hosts.find('\n'));
    hosts.remove_prefix(std::min(line.size() + 1, hosts.size()));
    line = line.substr(0, line.find('#'));
    for (auto at = line.find(name); at != std::string_view::npos; at = line.find(name, at + 1)) {
      const bool begins = at > 0 && separates(line[at - 1]);
      const bool ends = at + name.size() == line.size() || separates(line[at + name.size()]);
      if (begins && ends) return true;
    }
  }
  return false;
}

std::string entry(const std::string& address, std::string_view names) { return concat(address, "\t", names, "\n"); }

std::string own_entries(const Pod& pod, const std::string& hostname) {
  std::string text;
  for (const Nic& nic : pod.nics) {
    for (const IpPrefix& prefix : nic.addresses) text += entry(to_string(prefix.address), hostname);
  }
  return text.empty() ? entry("127.0.0.1", hostname) : text;
}

std::string alias_entries(const Pod& pod) {
  std::string text;
  for (const HostAlias& alias : pod.host_aliases) {
    std::string names;
    for (const std::string& name : alias.hostnames) names += (names.empty() ? "" : " ") + name;
    if (!names.empty()) text += entry(to_string(alias.ip), names);
  }
  return text;
}

std::string host_entries(const HostFacts& host, const std::string& hostname) {
  std::string text = host.hosts;
  if (!text.empty() && text.back() != '\n') text += '\n';
  if (!has_name(text, hostname)) text += entry("127.0.0.1", hostname);
  return text;
}

}  // namespace

std::string hostname_of(const Pod& pod) {
  if (!pod.hostname.empty()) return pod.hostname;
  std::string name = pod.name.substr(0, kLongestHostname);
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

std::string hostname_file(const Pod& pod) { return hostname_of(pod) + "\n"; }

std::string hosts_file(const Pod& pod, const HostFacts& host) {
  const std::string hostname = hostname_of(pod);
  const std::string names =
      pod.host_network ? host_entries(host, hostname) : std::string(kLoopbackLines) + own_entries(pod, hostname);
  return names + alias_entries(pod);
}

}  // namespace tank::network
