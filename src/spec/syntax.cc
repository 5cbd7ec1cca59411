// Each rule follows the validation of Kubernetes' API server; where we are stricter, a comment says so.
#include "spec/syntax.h"

#include <algorithm>
#include <array>

#include "spec/nearest.h"

namespace tank::spec {

namespace {

constexpr std::size_t kPathMax = 4096;  // PATH_MAX, the ending NUL counted

constexpr std::array<std::string_view, 41> kCapabilities = {"AUDIT_CONTROL",   "AUDIT_READ",   "AUDIT_WRITE",
                                                            "BLOCK_SUSPEND",   "BPF",          "CHECKPOINT_RESTORE",
                                                            "CHOWN",           "DAC_OVERRIDE", "DAC_READ_SEARCH",
                                                            "FOWNER",          "FSETID",       "IPC_LOCK",
                                                            "IPC_OWNER",       "KILL",         "LEASE",
                                                            "LINUX_IMMUTABLE", "MAC_ADMIN",    "MAC_OVERRIDE",
                                                            "MKNOD",           "NET_ADMIN",    "NET_BIND_SERVICE",
                                                            "NET_BROADCAST",   "NET_RAW",      "PERFMON",
                                                            "SETFCAP",         "SETGID",       "SETPCAP",
                                                            "SETUID",          "SYSLOG",       "SYS_ADMIN",
                                                            "SYS_BOOT",        "SYS_CHROOT",   "SYS_MODULE",
                                                            "SYS_NICE",        "SYS_PACCT",    "SYS_PTRACE",
                                                            "SYS_RAWIO",       "SYS_RESOURCE", "SYS_TIME",
                                                            "SYS_TTY_CONFIG",  "WAKE_ALARM"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }
bool is_lower_alphanumeric(char c) { return is_lower(c) || is_digit(c); }
bool is_graphic(char c) { return c > ' ' && c <= '~'; }

template <typename Predicate>
bool all_of(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

// Calls `part` with each piece between separators; stops at the first that does not please it.
template <typename Predicate>
bool all_parts(std::string_view text, char separator, Predicate part) {
  for (;;) {
    const auto end = text.find(separator);
    if (!part(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

bool is_label_of_any_length(std::string_view text) {
  return !text.empty() && is_lower_alphanumeric(text.front()) && is_lower_alphanumeric(text.back()) &&
         all_of(text, [](char c) { return is_lower_alphanumeric(c) || c == '-'; });
}

bool is_label_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         all_of(text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool climbs(std::string_view path) {
  return !all_parts(path, '/', [](std::string_view part) { return part != ".."; });
}

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

}  // namespace

bool is_dns_label(std::string_view text) { return text.size() <= 63 && is_label_of_any_length(text); }

bool is_dns_subdomain(std::string_view text) {
  return text.size() <= 253 && all_parts(text, '.', is_label_of_any_length);
}

bool is_label_key(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return is_label_name(text);
  return is_dns_subdomain(text.substr(0, slash)) && is_label_name(text.substr(slash + 1));
}

bool is_label_value(std::string_view text) { return text.empty() || is_label_name(text); }

bool is_env_name(std::string_view text) {
  return !text.empty() && all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '='; });
}

bool is_image(std::string_view text) {
  return !text.empty() && all_of(text, [](char c) { return static_cast<unsigned char>(c) > 0x20U && c != 0x7f; });
}

bool is_absolute_path(std::string_view text) {
  return !text.empty() && text[0] == '/' && text.size() < kPathMax && !climbs(text);
}

bool is_mount_path(std::string_view text) { return is_absolute_path(text) && clean_path(text) != "/"; }

bool is_relative_path(std::string_view text) {
  return !text.empty() && text[0] != '/' && text.size() < kPathMax && !climbs(text);
}

bool is_search_domain(std::string_view text) {
  return !text.empty() && text.size() <= 255 &&
         all_of(text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_resolver_word(std::string_view text) { return !text.empty() && text.size() <= 255 && all_of(text, is_graphic); }

// dev_valid_name() of the kernel; '%' would make it number the link.
bool is_interface_name(std::string_view text) {
  return !text.empty() && text.size() <= 15 && text != "." && text != ".." &&
         all_of(text, [](char c) { return is_graphic(c) && c != '/' && c != ':' && c != '%'; });
}

bool is_port_name(std::string_view text) {
  return text.size() <= 15 && is_label_of_any_length(text) && text.find("--") == std::string_view::npos &&
         std::any_of(text.begin(), text.end(), is_lower);
}

std::string clean_path(std::string_view path) {
  std::string out = starts_with(path, "/") ? "/" : "";
  all_parts(path, '/', [&](std::string_view part) {
    if (part.empty() || part == ".") return true;
    if (!out.empty() && out.back() != '/') out += '/';
    out += part;
    return true;
  });
  return out;
}

// The slash form is taken too, but only where it needs no dots: net/ipv4/conf/eth0.5/rp_filter has no safe dotted form.
std::string namespaced_sysctl(std::string_view name) {
  std::string dotted(name);
  if (dotted.find('.') == std::string::npos) std::replace(dotted.begin(), dotted.end(), '/', '.');
  const bool is_word =
      dotted.size() <= 253 && all_parts(dotted, '.', [](std::string_view part) {
        return !part.empty() && all_of(part, [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; });
      });
  const bool is_known = starts_with(dotted, "net.") || starts_with(dotted, "kernel.shm") ||
                        starts_with(dotted, "kernel.msg") || dotted == "kernel.sem" ||
                        starts_with(dotted, "fs.mqueue.");
  return is_word && is_known ? dotted : std::string();
}

std::string capability(std::string_view name) {
  std::string capital(name.substr(0, 64));
  std::transform(capital.begin(), capital.end(), capital.begin(),
                 [](char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; });
  if (starts_with(capital, "CAP_")) capital.erase(0, 4);
  const bool known = std::binary_search(kCapabilities.begin(), kCapabilities.end(), std::string_view(capital));
  return known || capital == "ALL" ? capital : std::string();
}

std::string_view nearest_capability(std::string_view name) {
  Nearest nearest(name);
  for (const std::string_view known : kCapabilities) nearest.consider(known);
  return nearest.best();
}

}  // namespace tank::spec
