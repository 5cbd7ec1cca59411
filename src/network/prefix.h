// Arithmetic on addresses and prefixes. Pure.
#pragma once

#include "tank/units.h"

namespace tank::network {

/// Is the address one of the prefix's? Never across families.
bool contains(const IpPrefix& prefix, const IpAddress& address);
/// Are all bits beyond the prefix length zero?
bool is_network(const IpPrefix& prefix);
/// 127.0.0.0/8 or ::1.
bool is_loopback(const IpAddress& address);
/// Can it be the address of one interface: neither unspecified nor loopback nor multicast nor broadcast?
bool is_assignable(const IpAddress& address);
/// fe80::/10.
bool is_link_local(const IpAddress& address);

}  // namespace tank::network
