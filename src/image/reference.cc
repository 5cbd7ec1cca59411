#include "image/reference.h"

#include <algorithm>
#include <array>

#include "base/parse.h"
#include "image/harmless.h"
#include "tank/units.h"

namespace tank::image {

namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxTag = 128;
constexpr std::size_t kMaxReference = 4096 + kMaxTag;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) { return is_lower_or_digit(c) || is_upper(c); }

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

Result<> check_port(std::string_view port) {
  if (!parse_integer<std::uint16_t>(port, std::uint16_t{1})) {
    return error(Kind::invalid, "'", port, "' is not a port between 1 and 65535");
  }
  return {};
}

Result<> check_host_label(std::string_view label) {
  const auto fits = [](char c) { return is_word(c) || c == '-'; };
  if (label.empty() || label.size() > 63 || !std::all_of(label.begin(), label.end(), fits) || label.front() == '-' ||
      label.back() == '-') {
    return error(Kind::invalid, "'", label, "' is not a part of a host name");
  }
  return {};
}

Result<> check_bracketed_host(std::string_view host) {
  const auto end = host.find(']');
  if (end == std::string_view::npos) return error(Kind::invalid, "host '", host, "' has no closing bracket");
  const IpAddress address = TRY(parse_ip_address(host.substr(1, end - 1)));
  if (address.family != IpAddress::Family::v6) return error(Kind::invalid, "host '", host, "': brackets are for IPv6");
  const std::string_view rest = host.substr(end + 1);
  if (rest.empty()) return {};
  if (rest.front() != ':') return error(Kind::invalid, "host '", host, "' goes on after its closing bracket");
  return check_port(rest.substr(1));
}

Result<> check_host(std::string_view host) {
  if (host.front() == '[') return check_bracketed_host(host);
  const auto colon = host.find(':');
  if (colon != std::string_view::npos) TRY(check_port(host.substr(colon + 1)));
  std::string_view name = host.substr(0, colon);
  for (;;) {
    const auto dot = name.find('.');
    TRY(check_host_label(name.substr(0, dot)).while_doing("host '", host, "'"));
    if (dot == std::string_view::npos) return {};
    name.remove_prefix(dot + 1);
  }
}

// [a-z0-9]+ joined by one '.', one or two '_', or any number of '-'.
bool is_path_component(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back())) return false;
  for (std::size_t at = 0; at < part.size();) {
    std::size_t end = at;
    while (end < part.size() && !is_lower_or_digit(part[end])) ++end;
    const std::string_view joint = part.substr(at, end - at);
    const bool dashes = joint.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && joint != "." && joint != "_" && joint != "__") return false;
    at = end + (end < part.size() ? 1 : 0);
  }
  return true;
}

Result<> check_repository(std::string_view repository) {
  if (std::any_of(repository.begin(), repository.end(), is_upper)) {
    return error(Kind::invalid, "repository '", repository, "' has upper-case letters; names are lower case");
  }
  std::string_view rest = repository;
  for (;;) {
    const auto slash = rest.find('/');
    if (!is_path_component(rest.substr(0, slash))) {
      return error(Kind::invalid, "repository '", repository, "': '", rest.substr(0, slash),
                   "' is not a name of lower-case letters and digits joined by '.', '_', '__' or '-'");
    }
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

Result<> check_tag(std::string_view tag) {
  const auto fits = [](char c) { return is_word(c) || c == '_' || c == '.' || c == '-'; };
  if (tag.empty() || tag.size() > kMaxTag || !std::all_of(tag.begin(), tag.end(), fits) || tag.front() == '.' ||
      tag.front() == '-') {
    return error(Kind::invalid, "'", harmless(tag),
                 "' is not a tag (1 to 128 letters, digits, '_', '.', '-', beginning with none of the last two)");
  }
  return {};
}

bool names_a_host(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != std::string_view::npos || first.front() == '[';
}

// "nginx" is docker.io/library/nginx, "a/b" is docker.io/a/b: a first part is a host only when it looks like one.
Result<> split_name(std::string_view name, Reference& reference) {
  const auto slash = name.find('/');
  reference.host = "docker.io";
  reference.repository = name;
  if (slash != std::string_view::npos && slash > 0 && names_a_host(name.substr(0, slash))) {
    TRY(check_host(name.substr(0, slash)));
    reference.host = lower_case(name.substr(0, slash));
    reference.repository = name.substr(slash + 1);
  }
  if (reference.host == "index.docker.io") reference.host = "docker.io";
  TRY(check_repository(reference.repository));
  if (reference.host == "docker.io" && reference.repository.find('/') == std::string::npos) {
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (reference.repository.size() == 64 &&
        std::all_of(reference.repository.begin(), reference.repository.end(), is_hex)) {
      return error(Kind::invalid, "64 hexadecimal digits name no repository; an image id cannot be pulled");
    }
    reference.repository = "library/" + reference.repository;
  }
  if (repository_name(reference).size() > kMaxName) {
    return error(Kind::invalid, "the name is longer than ", kMaxName, " bytes");
  }
  return {};
}

Result<Reference> parse_registry_reference(std::string_view text) {
  Reference reference;
  const auto at = text.find('@');
  if (at != std::string_view::npos) {
    Digest digest = TRY(parse_digest(text.substr(at + 1)));
    reference.digest = std::move(digest);
  }
  std::string_view name = text.substr(0, at);
  const auto colon = name.rfind(':');
  // A colon before the last slash belongs to the host's port.
  if (colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos) {
    TRY(check_tag(name.substr(colon + 1)));
    reference.tag = name.substr(colon + 1);
    name = name.substr(0, colon);
  } else if (!reference.digest) {
    reference.tag = "latest";
  }
  if (name.empty()) return error(Kind::invalid, "the name is empty");
  TRY(split_name(name, reference));
  return reference;
}

struct Prefix {
  std::string_view text;
  Reference::Transport transport;
};

constexpr std::array<Prefix, 4> kTransports{{
    {"oci:", Reference::Transport::oci},
    {"oci-archive:", Reference::Transport::oci_archive},
    {"docker-archive:", Reference::Transport::docker_archive},
    {"rootfs:", Reference::Transport::rootfs},
}};

Result<Reference> parse_transport(const Prefix& prefix, std::string_view rest) {
  Reference reference;
  reference.transport = prefix.transport;
  if (prefix.transport == Reference::Transport::rootfs) {
    if (rest.empty() || rest.front() != '/') return error(Kind::invalid, "rootfs: wants an absolute directory");
    reference.path = rest;
    return reference;
  }
  const auto colon = rest.find(':');
  reference.path = rest.substr(0, colon);
  if (reference.path.empty()) return error(Kind::invalid, prefix.text, " wants a path");
  if (colon == std::string_view::npos) return reference;
  reference.tag = rest.substr(colon + 1);
  if (reference.tag.empty()) return error(Kind::invalid, "nothing follows the last ':'");
  return reference;
}

Result<Reference> parse_any(std::string_view text) {
  if (text.empty()) return error(Kind::invalid, "it is empty");
  if (text.size() > kMaxReference) return error(Kind::invalid, "it is longer than ", kMaxReference, " bytes");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), is_control)) return error(Kind::invalid, "it has control characters");
  for (const Prefix& prefix : kTransports) {
    if (text.substr(0, prefix.text.size()) == prefix.text) {
      return parse_transport(prefix, text.substr(prefix.text.size()));
    }
  }
  static constexpr std::string_view kDocker = "docker://";
  if (text.substr(0, kDocker.size()) == kDocker) text.remove_prefix(kDocker.size());
  return parse_registry_reference(text);
}

}  // namespace

Result<Reference> parse_reference(std::string_view text) {
  return parse_any(text).while_doing("image reference '", harmless(text, 300), "'");
}

std::string repository_name(const Reference& reference) { return reference.host + "/" + reference.repository; }

std::string to_string(const Reference& reference) {
  if (reference.transport == Reference::Transport::registry) {
    const std::string name = repository_name(reference);
    return reference.digest ? name + "@" + to_string(*reference.digest) : name + ":" + reference.tag;
  }
  for (const Prefix& prefix : kTransports) {
    if (prefix.transport != reference.transport) continue;
    return concat(prefix.text, reference.path, reference.tag.empty() ? "" : ":", reference.tag);
  }
  return {};
}

std::string connect_host(const Reference& reference) {
  return reference.host == "docker.io" ? "registry-1.docker.io" : reference.host;
}

std::string host_name(std::string_view host) {
  if (!host.empty() && host.front() == '[') return std::string(host.substr(1, host.find(']') - 1));
  return std::string(host.substr(0, host.find(':')));
}

bool is_loopback(std::string_view host) {
  const std::string name = host_name(host);
  if (name == "localhost") return true;
  const Result<IpAddress> address = parse_ip_address(name);
  if (!address) return false;
  if (address->family == IpAddress::Family::v4) return address->bytes[0] == 127;
  IpAddress loopback;
  loopback.family = IpAddress::Family::v6;
  loopback.bytes[15] = 1;
  return *address == loopback;
}

}  // namespace tank::image
