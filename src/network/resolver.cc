#include "network/resolver.h"

#include <algorithm>
#include <vector>

#include "network/prefix.h"

namespace tank::network {

namespace {

constexpr std::size_t kMostParsedNameservers = 16;
constexpr std::size_t kMostParsedWords = 32;
constexpr std::size_t kLongestDomain = 254;  // 253 of RFC 1035, and the dot at the end
constexpr std::size_t kLongestOption = 64;

constexpr std::size_t kMostNameservers = 3;
constexpr std::size_t kMostSearches = 32;
constexpr std::size_t kMostSearchCharacters = 2048;

/// Cuts the next word off the front of `line`; empty at its end or where a comment begins.
std::string_view next_word(std::string_view& line) {
  static constexpr std::string_view kSpaces = " \t\r\f\v";
  line.remove_prefix(std::min(line.find_first_not_of(kSpaces), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kSpaces));
  line.remove_prefix(word.size());
  if (!word.empty() && (word.front() == '#' || word.front() == ';')) return {};
  return word;
}

bool is_printable(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::vector<std::string> take_words(std::string_view line, std::size_t longest) {
  std::vector<std::string> words;
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    if (words.size() == kMostParsedWords) break;
    if (word.size() <= longest && is_printable(word)) words.emplace_back(word);
  }
  return words;
}

void parse_line(std::string_view line, DnsConfig& dns) {
  const std::string_view keyword = next_word(line);
  if (keyword == "nameserver" && dns.nameservers.size() < kMostParsedNameservers) {
    if (const Result<IpAddress> address = parse_ip_address(next_word(line))) dns.nameservers.push_back(*address);
  } else if (keyword == "search" || keyword == "domain") {
    // Of several such lines the last one counts.
    dns.searches = take_words(line, kLongestDomain);
    if (keyword == "domain" && dns.searches.size() > 1) dns.searches.resize(1);
  } else if (keyword == "options") {
    for (std::string& option : take_words(line, kLongestOption)) {
      if (dns.options.size() < kMostParsedWords) dns.options.push_back(std::move(option));
    }
  }
}

template <typename T>
void append_missing(std::vector<T>& to, const std::vector<T>& from) {
  for (const T& item : from) {
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
  }
}

std::string_view name_of_option(std::string_view option) { return option.substr(0, option.find(':')); }

void append_options(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const std::string& option : from) {
    const auto same_name = [&](const std::string& other) { return name_of_option(other) == name_of_option(option); };
    if (std::none_of(to.begin(), to.end(), same_name)) to.push_back(option);
  }
}

DnsConfig dns_of_networks(const Pod& pod) {
  DnsConfig all;
  for (const Nic& nic : pod.nics) {
    append_missing(all.nameservers, nic.dns.nameservers);
    append_missing(all.searches, nic.dns.searches);
    append_options(all.options, nic.dns.options);
  }
  return all;
}

/// Adds a source that ranks behind those merged before.
void merge_behind(DnsConfig& dns, DnsConfig source) {
  if (dns.nameservers.empty()) {
    append_missing(dns.nameservers, source.nameservers);
  } else {
    // It vouches for the nameservers it stands beside, and those are not used.
    std::erase(source.options, "trust-ad");
  }
  append_missing(dns.searches, source.searches);
  append_options(dns.options, source.options);
}

void cut_to_limits(DnsConfig& dns) {
  if (dns.nameservers.size() > kMostNameservers) dns.nameservers.resize(kMostNameservers);
  std::size_t characters = 0;
  std::size_t count = 0;
  while (count < std::min(dns.searches.size(), kMostSearches)) {
    characters += dns.searches[count].size() + 1;
    if (characters > kMostSearchCharacters + 1) break;
    ++count;
  }
  dns.searches.resize(count);
}

std::string to_line(std::string_view keyword, const std::vector<std::string>& words) {
  if (words.empty()) return {};
  std::string line(keyword);
  for (const std::string& word : words) line += " " + word;
  return line + "\n";
}

}  // namespace

DnsConfig parse_resolv_conf(std::string_view text) {
  DnsConfig dns;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    parse_line(line, dns);
  }
  return dns;
}

DnsConfig reachable_from_pods(const DnsConfig& host, const DnsConfig& upstream) {
  DnsConfig reachable = host;
  std::erase_if(reachable.nameservers, &is_loopback);
  if (!reachable.nameservers.empty() || upstream.nameservers.empty()) return reachable;
  reachable = upstream;
  std::erase_if(reachable.nameservers, &is_loopback);
  return reachable;
}

DnsConfig effective_dns(const Pod& pod, const HostFacts& host) {
  DnsConfig dns;
  merge_behind(dns, pod.dns);
  if (pod.dns_policy != DnsPolicy::none) {
    merge_behind(dns, dns_of_networks(pod));
    merge_behind(dns, pod.host_network ? host.dns : host.reachable_dns);
  }
  cut_to_limits(dns);
  return dns;
}

std::string resolv_conf(const Pod& pod, const HostFacts& host) {
  if (pod.host_network && pod.dns_policy != DnsPolicy::none && pod.dns == DnsConfig{}) return host.resolv_conf;
  const DnsConfig dns = effective_dns(pod, host);
  std::string text;
  for (const IpAddress& nameserver : dns.nameservers) text += "nameserver " + to_string(nameserver) + "\n";
  text += to_line("search", dns.searches);
  text += to_line("options", dns.options);
  return text;
}

}  // namespace tank::network
