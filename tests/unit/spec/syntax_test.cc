// Names, keys and paths: what each grammar takes and refuses.
#include "spec/syntax.h"

#include <gtest/gtest.h>

#include <vector>

namespace tank::spec {
namespace {

std::string repeated(std::size_t count, char c) { return std::string(count, c); }

struct Case {
  const char* name;
  bool (*holds)(std::string_view);
  std::vector<std::string> wrong;
  std::vector<std::string> right;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"dns label",
       is_dns_label,
       {"", "-a", "a-", "A", "a.b", "a_b", "a b", "é", repeated(64, 'a'), "a\n", "-"},
       {"a", "0", "a-b", "1a", repeated(63, 'a')}},
      {"dns subdomain",
       is_dns_subdomain,
       {"", ".", "a.", ".a", "a..b", "a.-b", "A.b", "..", "a/b", repeated(254, 'a')},
       {"a", "a.b", "1.2.3", "a-b.c-d", repeated(253, 'a')}},
      {"label key",
       is_label_key,
       {"", "/", "a/", "/a", "a/b/c", "-a", "a-", "A.com/x", "a b", repeated(64, 'a')},
       {"a", "A", "a.b_c-d", "example.com/App", repeated(63, 'a')}},
      {"label value", is_label_value, {"-", "a-", ".a", "a b", "a/b", repeated(64, 'a')}, {"", "a", "1.2_3-4", "A"}},
      {"env name", is_env_name, {"", "a=b", "=", "a\n", "\x7f", "é"}, {"A", "_", "a.b", "a-b", "1", "a b"}},
      {"image", is_image, {"", " a", "a ", "a b", "a\n", "a\x7f"}, {"a", "a:b@sha256:c", "oci:/x", "[::1]:5000/a"}},
      {"absolute path",
       is_absolute_path,
       {"", "a", "./a", "/..", "/a/../b", "/a/..", "../a", repeated(4096, '/')},
       {"/", "/a", "/a/", "/a/..b", "/...", "//a", repeated(4095, '/')}},
      {"mount path", is_mount_path, {"", "/", "//", "/.", "/./", "a", "/../a"}, {"/a", "/a/", "/ "}},
      {"relative path", is_relative_path, {"", "/", "/a", "..", "a/..", "a/../b"}, {"a", "a/b", "./a", "a/", "..a"}},
      {"interface",
       is_interface_name,
       {"", ".", "..", "a/b", "a b", "a:b", "a%d", "abcdefghijklmnop", "a\n"},
       {"eth0", "net1", "eth0.5", "abcdefghijklmno"}},
      {"port name",
       is_port_name,
       {"", "80", "-a", "a-", "a--b", "A", "abcdefghijklmnop", "1-2"},
       {"http", "a1", "1a", "p-1"}},
      {"search domain", is_search_domain, {"", "a b", "a\n", "a;b", "#"}, {"a", "a.b.", ".", "_x.y", "A.b"}},
      {"resolver word", is_resolver_word, {"", "a b", "a\nnameserver", "é"}, {"ndots:2", "edns0", "#"}},
  };
  return kCases;
}

TEST(Syntax, RefusesAndTakes) {
  for (const Case& grammar : cases()) {
    for (const std::string& text : grammar.wrong)
      EXPECT_FALSE(grammar.holds(text)) << grammar.name << " '" << text << "'";
    for (const std::string& text : grammar.right)
      EXPECT_TRUE(grammar.holds(text)) << grammar.name << " '" << text << "'";
  }
}

TEST(CleanPath, HasOneSpelling) {
  EXPECT_EQ(clean_path("/"), "/");
  EXPECT_EQ(clean_path("//"), "/");
  EXPECT_EQ(clean_path("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(clean_path("a/./b/"), "a/b");
  EXPECT_EQ(clean_path("./"), "");
}

TEST(NamespacedSysctl, IsOfThePodsOwnNamespaces) {
  for (const char* name : {"", "net", "net.", "net..x", "kernel.panic", "kernel.sem2", "kernel.core_pattern",
                           "vm.swappiness", "fs.file-max", "fs.mqueue", "net/../kernel/core_pattern",
                           "net.ipv4/ip_forward", "network.x", "net.ipv4.conf.eth0/5.rp_filter", "net.a b",
                           "/net/ipv4/ip_forward", "user.max_user_namespaces", "kernel.hostname", "net.\n"}) {
    EXPECT_EQ(namespaced_sysctl(name), "") << name;
  }
  EXPECT_EQ(namespaced_sysctl("net.ipv4.ip_forward"), "net.ipv4.ip_forward");
  EXPECT_EQ(namespaced_sysctl("net/ipv4/ip_forward"), "net.ipv4.ip_forward");
  for (const char* name :
       {"kernel.shmmax", "kernel.shm_rmid_forced", "kernel.msgmnb", "kernel.sem", "fs.mqueue.msg_max"}) {
    EXPECT_EQ(namespaced_sysctl(name), name);
  }
}

TEST(Capability, HasOneSpelling) {
  EXPECT_EQ(capability("NET_ADMIN"), "NET_ADMIN");
  EXPECT_EQ(capability("CAP_NET_ADMIN"), "NET_ADMIN");
  EXPECT_EQ(capability("net_raw"), "NET_RAW");
  EXPECT_EQ(capability("all"), "ALL");
  for (const char* name : {"", "CAP_", "NET", "CAP_CAP_CHOWN", "NET_ADMINS", "NET ADMIN"})
    EXPECT_EQ(capability(name), "") << name;
  EXPECT_EQ(nearest_capability("NET_ADMN"), "NET_ADMIN");
  EXPECT_EQ(nearest_capability("quite different"), "");
}

TEST(Capability, EveryOneOfTheKernelIsKnown) {
  // capabilities(7), by number.
  for (const char* name : {"CHOWN",
                           "DAC_OVERRIDE",
                           "DAC_READ_SEARCH",
                           "FOWNER",
                           "FSETID",
                           "KILL",
                           "SETGID",
                           "SETUID",
                           "SETPCAP",
                           "LINUX_IMMUTABLE",
                           "NET_BIND_SERVICE",
                           "NET_BROADCAST",
                           "NET_ADMIN",
                           "NET_RAW",
                           "IPC_LOCK",
                           "IPC_OWNER",
                           "SYS_MODULE",
                           "SYS_RAWIO",
                           "SYS_CHROOT",
                           "SYS_PTRACE",
                           "SYS_PACCT",
                           "SYS_ADMIN",
                           "SYS_BOOT",
                           "SYS_NICE",
                           "SYS_RESOURCE",
                           "SYS_TIME",
                           "SYS_TTY_CONFIG",
                           "MKNOD",
                           "LEASE",
                           "AUDIT_WRITE",
                           "AUDIT_CONTROL",
                           "SETFCAP",
                           "MAC_OVERRIDE",
                           "MAC_ADMIN",
                           "SYSLOG",
                           "WAKE_ALARM",
                           "BLOCK_SUSPEND",
                           "AUDIT_READ",
                           "PERFMON",
                           "BPF",
                           "CHECKPOINT_RESTORE"}) {
    EXPECT_EQ(capability(name), name);
  }
}

}  // namespace
}  // namespace tank::spec
