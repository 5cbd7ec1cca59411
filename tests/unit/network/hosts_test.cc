#include "network/hosts.h"

#include <gtest/gtest.h>

namespace tank::network {
namespace {

constexpr const char* kLoopback =
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n";

Pod pod_named(std::string name) {
  Pod pod;
  pod.name = std::move(name);
  return pod;
}

HostAlias alias(std::string_view address, std::vector<std::string> names) {
  return {*parse_ip_address(address), std::move(names)};
}

TEST(HostnameOf, PrefersTheManifestsHostname) {
  Pod pod = pod_named("web-7");
  EXPECT_EQ(hostname_of(pod), "web-7");
  pod.hostname = "front";
  EXPECT_EQ(hostname_of(pod), "front");
  EXPECT_EQ(hostname_file(pod), "front\n");
}

TEST(HostnameOf, CutsLongNamesToALabel) {
  const std::string sixty_two(62, 'a');
  EXPECT_EQ(hostname_of(pod_named(sixty_two + "bcd")), sixty_two + "b");
  EXPECT_EQ(hostname_of(pod_named(sixty_two + "-bcd")), sixty_two);
  EXPECT_EQ(hostname_of(pod_named(std::string(60, 'a') + ".-.bcd")), std::string(60, 'a'));
  EXPECT_EQ(hostname_of(pod_named(sixty_two)), sixty_two);
}

TEST(HostsFile, WithoutAddressesTheHostnameIsLoopback) {
  EXPECT_EQ(hosts_file(pod_named("web"), {}), std::string(kLoopback) + "127.0.0.1\tweb\n");
}

TEST(HostsFile, NamesEveryAddressOfEveryNic) {
  Pod pod = pod_named("web");
  pod.hostname = "front";
  pod.nics.resize(2);
  pod.nics[0].addresses = {*parse_ip_prefix("10.0.0.2/24"), *parse_ip_prefix("fd00::2/64")};
  pod.nics[1].addresses = {*parse_ip_prefix("192.168.7.2/16")};
  EXPECT_EQ(hosts_file(pod, {}), std::string(kLoopback) + "10.0.0.2\tfront\nfd00::2\tfront\n192.168.7.2\tfront\n");
}

TEST(HostsFile, AddsAliasesInOrder) {
  Pod pod = pod_named("web");
  pod.host_aliases = {alias("10.1.2.3", {"db", "db.internal"}), alias("fd00::9", {"v6"}), alias("10.1.2.4", {})};
  EXPECT_EQ(hosts_file(pod, {}), std::string(kLoopback) + "127.0.0.1\tweb\n10.1.2.3\tdb db.internal\nfd00::9\tv6\n");
}

TEST(HostsFile, OnTheHostsNetworkIsTheHostsFileAndMore) {
  Pod pod = pod_named("web");
  pod.host_network = true;
  pod.host_aliases = {alias("10.1.2.3", {"db"})};
  HostFacts host;
  host.hosts = "127.0.0.1 localhost\n# web is not here\n10.0.0.1 web.example webbing";
  EXPECT_EQ(hosts_file(pod, host), host.hosts + "\n127.0.0.1\tweb\n10.1.2.3\tdb\n");
  host.hosts = "127.0.0.1 localhost\n10.0.0.1\tweb.example web\n";
  EXPECT_EQ(hosts_file(pod, host), host.hosts + "10.1.2.3\tdb\n") << "the host knows the name already";
}

}  // namespace
}  // namespace tank::network
