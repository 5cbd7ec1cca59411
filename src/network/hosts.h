// The pod's name: what /etc/hostname and /etc/hosts (hosts(5)) say. Pure.
#pragma once

#include <string>

#include "network/facts.h"
#include "tank/pod.h"

namespace tank::network {

/// The manifest's hostname, or the pod's name cut to 63 bytes, not ending in '-' or '.' (as the kubelet does).
std::string hostname_of(const Pod& pod);

/// The hostname and a newline.
std::string hostname_file(const Pod& pod);

/// The names of the loopback addresses, the hostname for every address of the pod (for 127.0.0.1 when it has none), and
/// hostAliases. On the host's network: the host's own file, the hostname when that file does not know it, and
/// hostAliases.
std::string hosts_file(const Pod& pod, const HostFacts& host);

}  // namespace tank::network
