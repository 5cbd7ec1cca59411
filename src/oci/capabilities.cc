#include "oci/capabilities.h"

#include <algorithm>
#include <array>
#include <set>

namespace tank::oci {

namespace {

using Set = std::set<std::string>;

/// What Docker and containerd leave a container: enough to be root over its own files and sockets.
constexpr std::array kDefault{"CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
                              "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
                              "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

/// With its prefix and in capitals, checked against the names there are.
Result<std::string> full_name(const std::string& said) {
  std::string name;
  for (const char c : said) name += (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  if (!name.starts_with("CAP_")) name = "CAP_" + name;
  const auto& known = capability_names();
  if (std::find(known.begin(), known.end(), name) != known.end()) return name;
  return error(Kind::invalid, "'", said, "' is not a capability");
}

bool is_all(const std::string& said) { return said == "ALL" || said == "all" || said == "CAP_ALL"; }

Result<> add_named(const std::vector<std::string>& names, const Set& available, Set& out) {
  for (const std::string& said : names) {
    if (is_all(said)) continue;
    const std::string name = TRY(full_name(said));
    if (available.count(name) == 0) {
      return error(Kind::denied, "adding capability '", said, "': this machine does not let Tank pass it on");
    }
    out.insert(name);
  }
  return {};
}

Result<> drop_named(const std::vector<std::string>& names, Set& out) {
  for (const std::string& said : names) {
    if (is_all(said)) continue;
    const std::string name = TRY(full_name(said));
    out.erase(name);
  }
  return {};
}

}  // namespace

const std::vector<std::string_view>& capability_names() {
  static const std::vector<std::string_view> kNames{"CAP_CHOWN",
                                                    "CAP_DAC_OVERRIDE",
                                                    "CAP_DAC_READ_SEARCH",
                                                    "CAP_FOWNER",
                                                    "CAP_FSETID",
                                                    "CAP_KILL",
                                                    "CAP_SETGID",
                                                    "CAP_SETUID",
                                                    "CAP_SETPCAP",
                                                    "CAP_LINUX_IMMUTABLE",
                                                    "CAP_NET_BIND_SERVICE",
                                                    "CAP_NET_BROADCAST",
                                                    "CAP_NET_ADMIN",
                                                    "CAP_NET_RAW",
                                                    "CAP_IPC_LOCK",
                                                    "CAP_IPC_OWNER",
                                                    "CAP_SYS_MODULE",
                                                    "CAP_SYS_RAWIO",
                                                    "CAP_SYS_CHROOT",
                                                    "CAP_SYS_PTRACE",
                                                    "CAP_SYS_PACCT",
                                                    "CAP_SYS_ADMIN",
                                                    "CAP_SYS_BOOT",
                                                    "CAP_SYS_NICE",
                                                    "CAP_SYS_RESOURCE",
                                                    "CAP_SYS_TIME",
                                                    "CAP_SYS_TTY_CONFIG",
                                                    "CAP_MKNOD",
                                                    "CAP_LEASE",
                                                    "CAP_AUDIT_WRITE",
                                                    "CAP_AUDIT_CONTROL",
                                                    "CAP_SETFCAP",
                                                    "CAP_MAC_OVERRIDE",
                                                    "CAP_MAC_ADMIN",
                                                    "CAP_SYSLOG",
                                                    "CAP_WAKE_ALARM",
                                                    "CAP_BLOCK_SUSPEND",
                                                    "CAP_AUDIT_READ",
                                                    "CAP_PERFMON",
                                                    "CAP_BPF",
                                                    "CAP_CHECKPOINT_RESTORE"};
  return kNames;
}

Result<Capabilities> resolve_capabilities(const SecurityContext& security, const std::vector<std::string>& bounding) {
  const Set available(bounding.begin(), bounding.end());
  const auto& add = security.add_capabilities;
  const auto& drop = security.drop_capabilities;
  Set held;
  for (const char* name : kDefault) {
    if (available.count(name) != 0) held.insert(name);
  }
  if (std::any_of(add.begin(), add.end(), is_all)) held = available;
  if (std::any_of(drop.begin(), drop.end(), is_all)) held.clear();
  TRY(add_named(add, available, held));
  TRY(drop_named(drop, held));
  if (security.privileged) held = available;

  Capabilities out;
  out.bounding.assign(held.begin(), held.end());
  out.effective = out.bounding;
  out.permitted = out.bounding;
  return out;
}

}  // namespace tank::oci
