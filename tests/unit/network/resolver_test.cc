#include "network/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tank::network {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

DnsConfig dns(const std::vector<std::string>& nameservers, std::vector<std::string> searches = {},
              std::vector<std::string> options = {}) {
  DnsConfig made;
  for (const std::string& nameserver : nameservers) made.nameservers.push_back(*parse_ip_address(nameserver));
  made.searches = std::move(searches);
  made.options = std::move(options);
  return made;
}

HostFacts host_with(const DnsConfig& config) {
  HostFacts host;
  host.dns = config;
  host.reachable_dns = reachable_from_pods(config, {});
  return host;
}

Pod pod_with(const DnsConfig& own, const std::vector<DnsConfig>& networks,
             DnsPolicy policy = DnsPolicy::cluster_first) {
  Pod pod;
  pod.dns = own;
  pod.dns_policy = policy;
  for (const DnsConfig& network : networks) pod.nics.emplace_back().dns = network;
  return pod;
}

struct ChainCase {
  const char* what;
  Pod pod;
  DnsConfig host;
  std::string expected;
};

TEST(ResolvConf, FollowsTheChainFromPodToNetworkToHost) {
  const DnsConfig host = dns({"10.0.0.53"}, {"host.example"}, {"ndots:1", "edns0"});
  const std::vector<ChainCase> cases = {
      {"nothing anywhere", pod_with({}, {}), {}, ""},
      {"only the host", pod_with({}, {}), host, "nameserver 10.0.0.53\nsearch host.example\noptions ndots:1 edns0\n"},
      {"Default is no different", pod_with({}, {}, DnsPolicy::default_), host,
       "nameserver 10.0.0.53\nsearch host.example\noptions ndots:1 edns0\n"},
      {"the network before the host", pod_with({}, {dns({"10.1.0.53"})}), host,
       "nameserver 10.1.0.53\nsearch host.example\noptions ndots:1 edns0\n"},
      {"several networks together", pod_with({}, {dns({"10.1.0.53"}), {}, dns({"fd00::53", "10.1.0.53"})}), host,
       "nameserver 10.1.0.53\nnameserver fd00::53\nsearch host.example\noptions ndots:1 edns0\n"},
      {"the pod before the network", pod_with(dns({"10.2.0.53"}), {dns({"10.1.0.53"})}), host,
       "nameserver 10.2.0.53\nsearch host.example\noptions ndots:1 edns0\n"},
      {"search domains and options are merged, the pod's first",
       pod_with(dns({}, {"pod.example"}, {"ndots:5"}),
                {dns({}, {"net.example", "host.example"}, {"ndots:3", "rotate"})}),
       host, "nameserver 10.0.0.53\nsearch pod.example net.example host.example\noptions ndots:5 rotate edns0\n"},
      {"None is the pod's own and nothing else",
       pod_with(dns({"10.2.0.53"}, {"pod.example"}), {dns({"10.1.0.53"}, {"net.example"})}, DnsPolicy::none), host,
       "nameserver 10.2.0.53\nsearch pod.example\n"},
      {"None without own nameservers stays without", pod_with(dns({}, {"pod.example"}), {}, DnsPolicy::none), host,
       "search pod.example\n"},
      {"three nameservers at most",
       pod_with(dns({"10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}), {}),
       {},
       "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n"},
      {"trust-ad stays with its nameservers", pod_with(dns({"10.2.0.53"}), {}),
       dns({"10.0.0.53"}, {}, {"edns0", "trust-ad"}), "nameserver 10.2.0.53\noptions edns0\n"},
      {"trust-ad comes with its nameservers", pod_with({}, {}), dns({"10.0.0.53"}, {}, {"edns0", "trust-ad"}),
       "nameserver 10.0.0.53\noptions edns0 trust-ad\n"},
      {"the host's loopback is not the pod's", pod_with({}, {}), dns({"127.0.0.1", "10.0.0.53", "::1"}),
       "nameserver 10.0.0.53\n"},
  };
  for (const ChainCase& one : cases) EXPECT_EQ(resolv_conf(one.pod, host_with(one.host)), one.expected) << one.what;
}

TEST(ResolvConf, OnTheHostsNetworkIsTheHostsFile) {
  Pod pod;
  pod.host_network = true;
  HostFacts host = host_with(dns({"127.0.0.53"}, {"host.example"}));
  host.resolv_conf = "# ours\nnameserver 127.0.0.53\nsearch host.example\nsortlist 10.0.0.0\n";
  EXPECT_EQ(resolv_conf(pod, host), host.resolv_conf);

  pod.dns_policy = DnsPolicy::cluster_first_with_host_net;
  EXPECT_EQ(resolv_conf(pod, host), host.resolv_conf);

  pod.dns = dns({}, {"pod.example"});
  EXPECT_EQ(resolv_conf(pod, host), "nameserver 127.0.0.53\nsearch pod.example host.example\n")
      << "with a dnsConfig it is merged, and the host's loopback is reachable there";
  pod.dns_policy = DnsPolicy::none;
  EXPECT_EQ(resolv_conf(pod, host), "search pod.example\n");
}

TEST(ResolvConf, BoundsTheSearchList) {
  Pod pod;
  for (int i = 0; i < 40; ++i) pod.dns.searches.push_back("d" + std::to_string(i) + ".example");
  EXPECT_EQ(effective_dns(pod, {}).searches.size(), 32U);
  pod.dns.searches = {std::string(1024, 'a'), std::string(1023, 'b'), "c"};
  EXPECT_EQ(effective_dns(pod, {}).searches.size(), 2U) << "2048 characters with the space between";
  pod.dns.searches = {std::string(1024, 'a'), std::string(1024, 'b')};
  EXPECT_EQ(effective_dns(pod, {}).searches.size(), 1U);
}

TEST(ReachableFromPods, AsksBehindALoopbackStub) {
  const DnsConfig stub = dns({"127.0.0.53"}, {"host.example"}, {"trust-ad"});
  const DnsConfig upstream = dns({"10.0.0.53", "127.0.0.1"}, {"up.example"});
  EXPECT_EQ(reachable_from_pods(stub, upstream), dns({"10.0.0.53"}, {"up.example"}));
  EXPECT_EQ(reachable_from_pods(stub, {}), dns({}, {"host.example"}, {"trust-ad"}));
  EXPECT_EQ(reachable_from_pods(dns({"10.9.9.9", "::1"}), upstream), dns({"10.9.9.9"}));
}

TEST(ParseResolvConf, ReadsWhatTheResolverReads) {
  const DnsConfig read = parse_resolv_conf(
      "# nameserver 9.9.9.9\n"
      "; nameserver 9.9.9.9\n"
      "nameserver\t10.0.0.53\r\n"
      "  nameserver fd00::53 # why\n"
      "search a.example  b.example\n"
      "options ndots:2\n"
      "options edns0 trust-ad\n"
      "sortlist 130.155.160.0/255.255.240.0");
  EXPECT_EQ(read, dns({"10.0.0.53", "fd00::53"}, {"a.example", "b.example"}, {"ndots:2", "edns0", "trust-ad"}));
}

TEST(ParseResolvConf, TheLastSearchOrDomainCounts) {
  EXPECT_THAT(parse_resolv_conf("domain a\nsearch b c\n").searches, ElementsAre("b", "c"));
  EXPECT_THAT(parse_resolv_conf("search b c\ndomain a d\n").searches, ElementsAre("a"));
  EXPECT_THAT(parse_resolv_conf("search b c\nsearch\n").searches, IsEmpty());
}

TEST(ParseResolvConf, PassesOverWhatItCannotUse) {
  using namespace std::string_literals;
  for (const std::string& text :
       {""s, "\n\n"s, "nameserver"s, "nameserver \n"s, "nameserver 10.0.0\n"s, "nameserver fe80::1%eth0\n"s,
        "Nameserver 1.2.3.4\n"s, "nameserver1.2.3.4\n"s, "nameserver 1.2.3.4x\n"s, "search \x01\x02\n"s,
        "search \xff\n"s, "\0\0\0"s, "nameserver 1.2.3.4\0\n"s, "search "s + std::string(300, 'a') + "\n"}) {
    EXPECT_EQ(parse_resolv_conf(text), DnsConfig{}) << testing::PrintToString(text);
  }
}

TEST(ParseResolvConf, IsBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "nameserver 10.0.0.1\noptions o" + std::to_string(i) + " p q r\n";
  text += "search";
  for (int i = 0; i < 5000; ++i) text += " d" + std::to_string(i);
  const DnsConfig read = parse_resolv_conf(text);
  EXPECT_EQ(read.nameservers.size(), 16U);
  EXPECT_EQ(read.options.size(), 32U);
  EXPECT_EQ(read.searches.size(), 32U);
}

TEST(ParseResolvConf, TakesAnyBytesAndGivesOnlyPrintableWords) {
  std::mt19937 random(42);  // NOLINT: the same bytes in every run
  static constexpr char kAlphabet[] = "nameserver search options domain 10.0.0.1 ::1 #;\t\n\r\0\x80\xff.:%";
  const std::string alphabet(kAlphabet, sizeof kAlphabet - 1);
  for (int round = 0; round < 2000; ++round) {
    std::string text = round % 2 == 0 ? "search " : "nameserver ";
    for (int i = 0; i < 200; ++i) text += alphabet[random() % alphabet.size()];
    const DnsConfig read = parse_resolv_conf(text);
    for (const std::string& word : read.searches) {
      EXPECT_EQ(word.find_first_of(std::string(" \t\n\r\0\x80\xff", 7)), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace tank::network
