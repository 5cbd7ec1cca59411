// Extra interfaces of a pod: NetworkAttachmentDefinitions (k8s.cni.cncf.io/v1) and the annotation that asks for them.
//
// Where the two meet we follow Multus and CNI's static ipam: addresses in the annotation replace those of the
// definition, and so does its MAC address. Default routes, one per address family and pod, are settled in this order:
// `default-route` of the annotation; a route to 0.0.0.0/0 or ::/0 in ipam.routes; the gateway of an address whose
// family has no routes at all in its definition (CNI would leave such a pod without a default route; it has no other
// network here).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "spec/metadata.h"
#include "spec/value.h"
#include "tank/pod.h"

namespace tank::spec {

struct StaticAddress {
  IpPrefix address;
  std::optional<IpAddress> gateway;
};

struct StaticRoute {
  IpPrefix destination;
  std::optional<IpAddress> gateway;
};

/// A macvlan network as its definition has it.
struct Network {
  Place place;
  bool is_sound = false;  ///< false: findings say why, and nobody needs to hear more about it
  std::string parent = "auto";
  Nic::Mode mode = Nic::Mode::bridge;
  std::optional<std::uint32_t> mtu;
  std::optional<MacAddress> mac;
  std::vector<StaticAddress> addresses;
  std::vector<StaticRoute> routes;
  DnsConfig dns;
};

/// By "namespace/name".
using Networks = std::map<std::string, Network>;

/// One element of the annotation.
struct Attachment {
  Place place;
  std::string name_space;
  std::string name;
  std::string interface;
  std::vector<IpPrefix> addresses;
  std::optional<MacAddress> mac;
  std::vector<IpAddress> default_routes;
  std::string key() const { return name_space + "/" + name; }
};

/// A whole document of kind NetworkAttachmentDefinition.
void read_network_definition(const Value& document, Networks& networks);

/// The annotation, in its short or its JSON form; names without a namespace are of `name_space`.
std::vector<Attachment> read_attachments(const Annotation& annotation, std::string_view name_space);

std::vector<Nic> resolve_attachments(const std::vector<Attachment>& attachments, const Networks& networks);

}  // namespace tank::spec
