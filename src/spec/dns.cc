// The limits are those of Kubernetes; a resolver would drop a fourth nameserver without a word.
#include "spec/dns.h"

#include <algorithm>

#include "spec/fields.h"

namespace tank::spec {

namespace {

constexpr std::size_t kMaxNameservers = 3;
constexpr std::size_t kMaxSearches = 32;
constexpr std::size_t kMaxSearchBytes = 2048;

void read_nameservers(const Value& value, DnsConfig& dns) {
  for (const Value& item : value.items()) {
    if (const auto address = item.ip_address()) dns.nameservers.push_back(*address);
  }
  if (value.entries().size() > kMaxNameservers) value.refuse("must have at most ", kMaxNameservers, " nameservers");
}

void read_searches(const Value& value, DnsConfig& dns) {
  dns.searches = value.texts(kSearchDomain);
  if (dns.searches.size() > kMaxSearches) value.refuse("must have at most ", kMaxSearches, " search domains");
  std::size_t bytes = 0;
  for (const std::string& search : dns.searches) bytes += search.size() + 1;
  if (bytes > kMaxSearchBytes + 1) value.refuse("search domains must not exceed ", kMaxSearchBytes, " bytes together");
}

struct Option {
  std::string name;
  std::optional<std::string> value;
};

constexpr Field<Option> kOptionFields[] = {
    required<Option>("name", [](const Value& v, Option& o) { assign(o.name, v.text(kResolverWord)); }),
    optional<Option>("value", [](const Value& v, Option& o) { o.value = v.text(kResolverWord); }),
};

void read_options(const Value& value, DnsConfig& dns) {
  for (const Option& option : read_list(value, kOptionFields)) {
    dns.options.push_back(option.value ? concat(option.name, ":", *option.value) : option.name);
  }
}

constexpr Field<DnsConfig> kConfigFields[] = {
    optional<DnsConfig>("nameservers", read_nameservers),
    optional<DnsConfig>("searches", read_searches),
    optional<DnsConfig>("options", read_options),
};

struct CniDns {
  DnsConfig config;
  std::optional<std::string> domain;
};

constexpr Field<CniDns> kCniFields[] = {
    optional<CniDns>("nameservers", [](const Value& v, CniDns& d) { read_nameservers(v, d.config); }),
    optional<CniDns>("domain", [](const Value& v, CniDns& d) { d.domain = v.text(kSearchDomain); }),
    optional<CniDns>("search", [](const Value& v, CniDns& d) { read_searches(v, d.config); }),
    optional<CniDns>("options", [](const Value& v, CniDns& d) { d.config.options = v.texts(kResolverWord); }),
};

}  // namespace

void read_dns_config(const Value& value, DnsConfig& dns) { read_fields(value, kConfigFields, dns); }

// resolv.conf's "domain" is a search list of one.
void read_cni_dns(const Value& value, DnsConfig& dns) {
  CniDns read;
  read_fields(value, kCniFields, read);
  dns = std::move(read.config);
  const bool is_new =
      read.domain && std::find(dns.searches.begin(), dns.searches.end(), *read.domain) == dns.searches.end();
  if (is_new) dns.searches.insert(dns.searches.begin(), *read.domain);
}

}  // namespace tank::spec
