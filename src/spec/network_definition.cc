// NetworkAttachmentDefinition: its spec.config is a CNI network configuration, JSON in a string. CNI type macvlan with
// static ipam is understood; the paths of findings go on inside the string.
#include <algorithm>

#include "spec/dns.h"
#include "spec/fields.h"
#include "spec/network.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

constexpr Word<Nic::Mode> kModes[] = {{"bridge", Nic::Mode::bridge},
                                      {"private", Nic::Mode::private_},
                                      {"vepa", Nic::Mode::vepa},
                                      {"passthru", Nic::Mode::passthru}};

void ignore(const Value& /*value*/, Network& /*network*/) {}

void read_address(const Value& value, StaticAddress& out) { assign(out.address, value.ip_prefix()); }
void read_gateway(const Value& value, StaticAddress& out) { out.gateway = value.ip_address(); }

constexpr Field<StaticAddress> kAddressFields[] = {
    required<StaticAddress>("address", read_address),
    optional<StaticAddress>("gateway", read_gateway),
};

void read_addresses(const Value& value, Network& network) {
  for (const Value& item : value.items()) {
    StaticAddress& address = network.addresses.emplace_back();
    read_fields(item, kAddressFields, address);
    if (address.gateway && address.gateway->family != address.address.address.family) {
      item.refuse("address and gateway must be of the same family");
    }
  }
}

constexpr Field<StaticRoute> kRouteFields[] = {
    required<StaticRoute>("dst", [](const Value& v, StaticRoute& r) { assign(r.destination, v.ip_prefix()); }),
    optional<StaticRoute>("gw", [](const Value& v, StaticRoute& r) { r.gateway = v.ip_address(); }),
    {{"mtu", Standing::unsupported, "0"}},
    {{"advmss", Standing::unsupported, "0"}},
    {{"priority", Standing::unsupported, "0"}},
    {{"table", Standing::unsupported, {}}},
    {{"scope", Standing::unsupported, {}}},
};

void read_routes(const Value& value, Network& network) {
  for (const Value& item : value.items()) {
    StaticRoute& route = network.routes.emplace_back();
    read_fields(item, kRouteFields, route);
    if (route.gateway && route.gateway->family != route.destination.address.family) {
      item.refuse("dst and gw must be of the same family");
    }
  }
}

constexpr Field<Network> kStaticFields[] = {
    required<Network>("type", ignore),
    optional<Network>("addresses", read_addresses),
    optional<Network>("routes", read_routes),
    optional<Network>("dns",
                      [](const Value& v, Network& n) {
                        if (n.dns == DnsConfig{}) read_cni_dns(v, n.dns);  // the configuration's own dns wins
                      }),
};

/// The member of a map, if it is there and not null.
std::optional<Value> find_member(const Value& value, std::string_view name) {
  for (const Entry& entry : value.entries()) {
    if (entry.key == name && entry.value->form != Form::null) return value.member(entry);
  }
  return std::nullopt;
}

/// Whether `type` says what we know how to read. Fields of other types would only be found unknown.
bool has_type(const Value& value, std::string_view known, std::string_view what) {
  if (!value.is_map()) return false;
  const auto type = find_member(value, "type");
  if (!type) {
    value.refuse("type is required");
    return false;
  }
  const auto name = type->text();
  if (name && *name != known) type->refuse(what, " ", in_quotes(*name), " is not supported yet; ", known, " is");
  return name == known;
}

void read_ipam(const Value& value, Network& network) {
  if (value.form() == Form::map && value.entries().empty()) return;
  if (has_type(value, "static", "ipam type")) read_fields(value, kStaticFields, network);
}

void read_capabilities(const Value& value, Network& /*network*/) {
  if (!value.is_map()) return;
  for (const Entry& entry : value.entries()) {
    const Value member = value.member(entry);
    const auto wanted = member.boolean();
    const bool known = entry.key == "ips" || entry.key == "mac";
    if (wanted.value_or(false) && !known) value.key(entry).refuse("not supported yet");
  }
}

void read_parent(const Value& value, Network& network) {
  const auto parent = value.text();
  if (!parent || parent->empty()) return;  // empty: the default route's interface, as in CNI
  assign(network.parent, value.text(kInterfaceName));
}

// 0 is the parent's own. 68 is the least of IPv4 (RFC 791).
void read_mtu(const Value& value, Network& network) {
  const auto mtu = value.integer(0, 65535);
  if (mtu && *mtu > 0 && *mtu < 68) value.refuse("must be 0 or at least 68");
  if (mtu && *mtu > 0) network.mtu = static_cast<std::uint32_t>(*mtu);
}

constexpr Field<Network> kMacvlanFields[] = {
    required<Network>("type", ignore),
    optional<Network>("cniVersion", [](const Value& v, Network& /*n*/) { v.text(); }),
    optional<Network>("name", [](const Value& v, Network& /*n*/) { v.text(); }),
    optional<Network>("master", read_parent),
    optional<Network>("mode", [](const Value& v, Network& n) { assign(n.mode, v.choice(kModes)); }),
    optional<Network>("mtu", read_mtu),
    optional<Network>("mac", [](const Value& v, Network& n) { n.mac = v.mac_address(); }),
    optional<Network>("ipam", read_ipam),
    optional<Network>("dns", [](const Value& v, Network& n) { read_cni_dns(v, n.dns); }),
    optional<Network>("capabilities", read_capabilities),
    {{"cniVersions", Standing::silent, {}}},
    {{"disableCheck", Standing::silent, {}}},
    {{"disableGC", Standing::silent, {}}},
    {{"linkInContainer", Standing::unsupported, "false"}},
    {{"bcqueuelen", Standing::unsupported, {}}},
    {{"args", Standing::unsupported, "{}"}},
    {{"runtimeConfig", Standing::unsupported, "{}"}},
    {{"prevResult", Standing::unsupported, {}}},
    {{"ipMasq", Standing::unsupported, "false"}},
    {{"isGateway", Standing::unsupported, "false"}},
};

void read_plugin(const Value& value, Network& network) {
  if (has_type(value, "macvlan", "CNI type")) read_fields(value, kMacvlanFields, network);
}

// A list of one plugin is the same as the plugin.
void read_plugins(const Value& value, Network& network) {
  const std::vector<Value> items = value.items();
  if (items.empty()) value.refuse("must name one plugin");
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i == 0) {
      read_plugin(items[i], network);
    } else {
      items[i].refuse("chained plugins are not supported yet");
    }
  }
}

constexpr Field<Network> kListFields[] = {
    optional<Network>("cniVersion", [](const Value& v, Network& /*n*/) { v.text(); }),
    optional<Network>("name", [](const Value& v, Network& /*n*/) { v.text(); }),
    required<Network>("plugins", read_plugins),
    {{"cniVersions", Standing::silent, {}}},
    {{"disableCheck", Standing::silent, {}}},
    {{"disableGC", Standing::silent, {}}},
    {{"loadOnlyInlinedPlugins", Standing::silent, {}}},
};

void read_config(const Value& value, Network& network) {
  const auto text = value.text();
  if (!text) return;
  const Documents json = parse_embedded_json(*text, value.position());
  for (const Problem& problem : json.problems) {
    value.findings().error(problem.position, value.path() + (problem.path.empty() ? "" : ".") + problem.path,
                           problem.rule);
  }
  if (!json.complete) return;
  const Value config(*json.roots.front(), value.path(), value.findings());
  if (!config.is_map()) return;
  if (find_member(config, "plugins")) {
    read_fields(config, kListFields, network);
  } else {
    read_plugin(config, network);
  }
}

struct Definition {
  Metadata metadata;
  Network network;
};

constexpr Field<Network> kSpecFields[] = {required<Network>("config", read_config)};

void refuse_resource_name(const Metadata& metadata) {
  for (const Annotation& note : metadata.notes) {
    if (note.key == "k8s.v1.cni.cncf.io/resourceName") note.place.refuse("device resources are not supported yet");
  }
}

constexpr Field<Definition> kDefinitionFields[] = {
    required<Definition>("apiVersion",
                         [](const Value& v, Definition& /*d*/) {
                           static constexpr Word<bool> kVersions[] = {{"k8s.cni.cncf.io/v1", true}};
                           v.choice(kVersions);
                         }),
    required<Definition>("kind", [](const Value& /*v*/, Definition& /*d*/) {}),
    required<Definition>("metadata", [](const Value& v, Definition& d) { read_metadata(v, d.metadata); }),
    required<Definition>("spec", [](const Value& v, Definition& d) { read_fields(v, kSpecFields, d.network); }),
};

}  // namespace

void read_network_definition(const Value& document, Networks& networks) {
  const std::size_t before = document.findings().error_count();
  Definition definition;
  read_fields(document, kDefinitionFields, definition);
  refuse_resource_name(definition.metadata);
  if (definition.metadata.name.empty()) return;
  definition.network.place = definition.metadata.place;
  definition.network.is_sound = document.findings().error_count() == before;
  const std::string key = concat(definition.metadata.name_space, "/", definition.metadata.name);
  const auto [existing, is_new] = networks.try_emplace(key, definition.network);
  if (is_new) return;
  definition.metadata.place.refuse("the network ", key, " is defined twice, before on line ",
                                   existing->second.place.position().line);
}

}  // namespace tank::spec
