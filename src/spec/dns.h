// dnsPolicy's companion dnsConfig, and the dns block of a CNI configuration: two spellings of resolv.conf(5).
#pragma once

#include "spec/value.h"
#include "tank/pod.h"

namespace tank::spec {

void read_dns_config(const Value& value, DnsConfig& dns);
void read_cni_dns(const Value& value, DnsConfig& dns);

}  // namespace tank::spec
