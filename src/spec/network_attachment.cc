// The annotation k8s.v1.cni.cncf.io/networks: "ns/name@interface, name2", or a JSON list of objects.
#include <algorithm>

#include "spec/fields.h"
#include "spec/network.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

void check_interface(const Place& place, const std::string& name) {
  if (!name.empty() && !kInterfaceName.holds(name)) place.refuse(kInterfaceName.rule, ", not ", in_quotes(name));
  if (name == "lo") place.refuse("the interface lo is there already");
}

/// [namespace/]name[@interface]
Attachment read_short_form(std::string_view element, const Place& place, std::string_view name_space) {
  Attachment out;
  out.place = place;
  const auto at = element.find('@');
  if (at != std::string_view::npos) {
    out.interface = element.substr(at + 1);
    if (out.interface.empty()) place.refuse("the interface name after '@' must not be empty");
    check_interface(place, out.interface);
    element = element.substr(0, at);
  }
  const auto slash = element.find('/');
  out.name_space = slash == std::string_view::npos ? name_space : element.substr(0, slash);
  out.name = slash == std::string_view::npos ? element : element.substr(slash + 1);
  if (!kDnsLabel.holds(out.name_space)) place.refuse("the namespace ", in_quotes(out.name_space), " ", kDnsLabel.rule);
  if (!kDnsSubdomain.holds(out.name)) place.refuse("the network name ", in_quotes(out.name), " ", kDnsSubdomain.rule);
  return out;
}

std::vector<Attachment> read_short_list(const Annotation& annotation, std::string_view name_space) {
  std::vector<Attachment> out;
  std::string_view rest = annotation.text;
  for (;;) {
    const auto comma = rest.find(',');
    out.push_back(read_short_form(trim(rest.substr(0, comma)), annotation.place, name_space));
    if (comma == std::string_view::npos) return out;
    rest.remove_prefix(comma + 1);
  }
}

void read_default_routes(const Value& value, Attachment& attachment) {
  for (const Value& item : value.items()) {
    const auto gateway = item.ip_address();
    if (!gateway) continue;
    const auto same = [&](const IpAddress& other) { return other.family == gateway->family; };
    const bool is_second = std::any_of(attachment.default_routes.begin(), attachment.default_routes.end(), same);
    if (is_second) item.refuse("there can be one default route per address family");
    attachment.default_routes.push_back(*gateway);
  }
}

constexpr Field<Attachment> kAttachmentFields[] = {
    required<Attachment>("name", [](const Value& v, Attachment& a) { assign(a.name, v.text(kDnsSubdomain)); }),
    optional<Attachment>("namespace", [](const Value& v, Attachment& a) { assign(a.name_space, v.text(kDnsLabel)); }),
    optional<Attachment>("interface",
                         [](const Value& v, Attachment& a) {
                           assign(a.interface, v.text());
                           check_interface(v, a.interface);
                         }),
    optional<Attachment>("ips",
                         [](const Value& v, Attachment& a) {
                           for (const Value& item : v.items()) {
                             if (const auto prefix = item.ip_prefix()) a.addresses.push_back(*prefix);
                           }
                         }),
    optional<Attachment>("mac", [](const Value& v, Attachment& a) { a.mac = v.mac_address(); }),
    optional<Attachment>("default-route", read_default_routes),
    {{"bandwidth", Standing::unsupported, {}}},
    {{"portMappings", Standing::unsupported, {}}},
    {{"infiniband-guid", Standing::unsupported, {}}},
    {{"cni-args", Standing::unsupported, {}}},
    {{"ipam-claim-reference", Standing::unsupported, {}}},
};

std::vector<Attachment> read_json_list(const Annotation& annotation, std::string_view name_space) {
  const Place& place = annotation.place;
  const Documents json = parse_embedded_json(annotation.text, place.position());
  for (const Problem& problem : json.problems)
    place.findings().error(problem.position, place.path() + problem.path, problem.rule);
  if (!json.complete) return {};
  std::vector<Attachment> out;
  const Value list(*json.roots.front(), place.path(), place.findings());
  for (const Value& item : list.items()) {
    Attachment& attachment = out.emplace_back();
    attachment.place = item;
    attachment.name_space = name_space;
    read_fields(item, kAttachmentFields, attachment);
  }
  return out;
}

}  // namespace

std::vector<Attachment> read_attachments(const Annotation& annotation, std::string_view name_space) {
  const std::string_view text = trim(annotation.text);
  if (text.empty()) return {};
  const bool is_json = text[0] == '[' || text[0] == '{';
  return is_json ? read_json_list(annotation, name_space) : read_short_list(annotation, name_space);
}

}  // namespace tank::spec
