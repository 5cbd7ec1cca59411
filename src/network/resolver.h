// resolv.conf(5): reading the host's, deciding a pod's. Pure.
#pragma once

#include <string>
#include <string_view>

#include "network/facts.h"
#include "tank/pod.h"

namespace tank::network {

/// What the text says, as far as it can be used: unknown lines, addresses with a zone and words that cannot be names
/// are passed over. Takes at most 16 nameservers, 32 search domains and 32 options.
DnsConfig parse_resolv_conf(std::string_view text);

/// `host` without the nameservers on loopback addresses; `upstream` when that leaves none and has some itself.
DnsConfig reachable_from_pods(const DnsConfig& host, const DnsConfig& upstream);

/// What the pod resolves names with. Nameservers: the pod's own (dnsConfig), else those of its networks, else the
/// host's. Search domains and options: those of all three, in that order, each once; of two options of one name the
/// first counts. dnsPolicy None: only the pod's own. At most 3 nameservers (resolv.conf(5), MAXNS) and 32 search
/// domains of 2048 characters together (Kubernetes, validateDNSPolicy).
DnsConfig effective_dns(const Pod& pod, const HostFacts& host);

/// The file for the pod. On the host's network and without dnsConfig it is the host's own, to the byte.
std::string resolv_conf(const Pod& pod, const HostFacts& host);

}  // namespace tank::network
