// The grammars of names, keys and paths in a Pod, each with the sentence that says what it wants.
#pragma once

#include <string>
#include <string_view>

namespace tank::spec {

/// A rule for a string: whether it holds, and how a finding words it ("must be …").
struct Syntax {
  bool (*holds)(std::string_view text) = nullptr;
  std::string_view rule;
};

bool is_dns_label(std::string_view text);       ///< RFC 1123 label in lower case, 1 … 63 bytes
bool is_dns_subdomain(std::string_view text);   ///< labels joined by dots, 1 … 253 bytes
bool is_label_key(std::string_view text);       ///< [subdomain/]name, name 1 … 63 bytes
bool is_label_value(std::string_view text);     ///< empty, or like a label key's name
bool is_env_name(std::string_view text);        ///< printable ASCII without '='
bool is_image(std::string_view text);           ///< not empty, no spaces; its grammar is checked with the image
bool is_absolute_path(std::string_view text);   ///< from '/', no "..", shorter than PATH_MAX
bool is_mount_path(std::string_view text);      ///< an absolute path that is not the root itself
bool is_relative_path(std::string_view text);   ///< inside its base: no leading '/', no ".."
bool is_search_domain(std::string_view text);   ///< one word of resolv.conf's search line
bool is_resolver_word(std::string_view text);   ///< a word without spaces for resolv.conf
bool is_interface_name(std::string_view text);  ///< what the kernel takes as a link's name, but for '%'
bool is_port_name(std::string_view text);       ///< IANA service name, 1 … 15 bytes

inline constexpr Syntax kDnsLabel{
    is_dns_label, "must be a DNS label: 1 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends"};
inline constexpr Syntax kDnsSubdomain{
    is_dns_subdomain,
    "must be a DNS name: 1 to 253 of a-z, 0-9, '-' and '.', with a letter or digit at both ends of each part"};
inline constexpr Syntax kLabelKey{is_label_key,
                                  "must be a key like app or example.com/app: a name of 1 to 63 letters, digits, '-', "
                                  "'_' and '.', with a letter or digit at both ends"};
inline constexpr Syntax kLabelValue{
    is_label_value, "must be empty or 1 to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"};
inline constexpr Syntax kEnvName{is_env_name, "must be printable ASCII characters other than '='"};
inline constexpr Syntax kImage{is_image, "must be an image reference: not empty, without spaces"};
inline constexpr Syntax kAbsolutePath{is_absolute_path, "must be an absolute path without \"..\", below 4096 bytes"};
inline constexpr Syntax kMountPath{is_mount_path,
                                   "must be an absolute path without \"..\", not the root itself, below 4096 bytes"};
inline constexpr Syntax kRelativePath{is_relative_path, "must be a relative path without \"..\", below 4096 bytes"};
inline constexpr Syntax kSearchDomain{is_search_domain, "must be a domain name for the resolver's search list"};
inline constexpr Syntax kResolverWord{is_resolver_word, "must be a word without spaces"};
inline constexpr Syntax kInterfaceName{is_interface_name,
                                       "must be an interface name: 1 to 15 bytes without spaces, '/', ':' and '%'"};
inline constexpr Syntax kPortName{
    is_port_name, "must be a service name: 1 to 15 of a-z, 0-9 and single '-', with at least one letter"};

/// The same path without doubled slashes, "." parts and a slash at the end. For paths that hold one of the rules above.
std::string clean_path(std::string_view path);

/// The dotted form of a sysctl of the pod's own network or IPC namespace, or empty if it is none.
std::string namespaced_sysctl(std::string_view name);

/// A capability without "CAP_" in capitals, or "ALL"; empty if there is none of that name.
std::string capability(std::string_view name);
/// The known capability that `name` is most likely meant to be, or empty.
std::string_view nearest_capability(std::string_view name);

}  // namespace tank::spec
