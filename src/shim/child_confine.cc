// Who the workload is and what it may do: the last part of the child's list, after the owner's word.
#include <cstring>

#include "shim/child.h"
#include "sys/capability.h"
#include "sys/identity.h"
#include "sys/mount.h"
#include "sys/path_in_root.h"
#include "sys/process.h"
#include "sys/seccomp.h"

namespace tank::shim {

namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// sysctl(8): the first separator tells whether dots or slashes separate; the other one then is part of a name.
std::string sysctl_path(const char* key) {
  std::string path = key;
  if (path.find_first_of("./") == std::string::npos || path[path.find_first_of("./")] == '/')
    return concat("sys/", path);
  for (char& letter : path) letter = letter == '.' ? '/' : letter == '/' ? '.' : letter;
  return concat("sys/", path);
}

/// Without no_new_privs the kernel lets only CAP_SYS_ADMIN install a filter, so that one stays until confine().
bool lends_admin(const Plan& plan) { return !plan.no_new_privileges && !plan.seccomp.empty(); }

std::string_view search_path(const Plan& plan) {
  for (const char* entry : plan.environment) {
    if (entry != nullptr && std::strncmp(entry, "PATH=", 5) == 0) return entry + 5;
  }
  return kDefaultPath;
}

int execute(const Plan& plan, const char* path) {
  return sys::execute(path, const_cast<char* const*>(plan.arguments.data()),
                      const_cast<char* const*>(plan.environment.data()));
}

/// What execvp(3) goes on after: this directory does not have it, the next may.
bool is_absent(int number) {
  return number == ENOENT || number == ENOTDIR || number == ELOOP || number == ENAMETOOLONG;
}

}  // namespace

Result<> write_sysctls(const Plan& plan) {
  if (plan.sysctl.empty()) return {};
  // A procfs that nobody else has ever seen: nothing can be mounted over the file we mean (CVE-2025-52881).
  const sys::MountFd proc = TRY(sys::make_filesystem("proc", {}, 0));
  const std::int64_t magic = TRY(sys::filesystem_magic(proc));
  if (magic != sys::kProcMagic) return error(Kind::bug, "a new procfs is none");
  for (const auto& [key, value] : plan.sysctl) {
    const Result<> written = sys::write_beneath(proc, sysctl_path(key).c_str(), value);
    if (!written) return Error(written.error()).while_doing(concat("setting sysctl '", std::string_view(key), "'"));
  }
  return {};
}

Result<> enter_directory(const char* directory) {
  Result<> entered = sys::enter_directory(directory);
  if (entered || entered.error().number() != ENOENT) return entered;
  TRY(sys::ensure_directories(directory));
  return sys::enter_directory(directory);
}

Result<> drop_privileges(const Plan& plan) {
  const CapabilitySets& sets = plan.capabilities;
  TRY(sys::limit_bounding_set(sets.bounding));
  if (plan.uid != 0) TRY(sys::keep_capabilities());
  TRY(sys::become_user(plan.uid, plan.gid, plan.groups));
  const std::uint64_t lent = lends_admin(plan) ? sys::kCapabilitySysAdmin : 0;
  TRY(sys::set_capabilities(sets.effective | lent, sets.permitted | lent, sets.inheritable));
  TRY(sys::raise_ambient(sets.ambient));
  if (plan.no_new_privileges) TRY(sys::set_no_new_privileges());
  return {};
}

Result<> confine(const Plan& plan) {
  if (plan.seccomp.empty()) return {};
  TRY(sys::install_seccomp_filter(plan.seccomp.data(), plan.seccomp.size()));
  if (!lends_admin(plan)) return {};
  const CapabilitySets& sets = plan.capabilities;
  // The filter has to allow this one capset(2), as it has to allow execve(2).
  return sys::set_capabilities(sets.effective, sets.permitted, sets.inheritable);
}

Error execute_command(const Plan& plan) {
  const std::string_view command = plan.arguments.front();
  if (command.find('/') != std::string_view::npos) {
    return Error::from_errno(execute(plan, plan.arguments.front()), concat("executing '", command, "'"));
  }
  int answer = ENOENT;
  const std::string_view path = search_path(plan);
  for (std::size_t start = 0; !command.empty() && start <= path.size();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    const std::string_view directory = path.substr(start, end - start);
    start = end + 1;
    const std::string candidate = concat(directory.empty() ? "." : directory, "/", command);
    const int failure = execute(plan, candidate.c_str());
    if (failure != EACCES && !is_absent(failure))
      return Error::from_errno(failure, concat("executing '", candidate, "'"));
    if (failure == EACCES) answer = EACCES;
  }
  return Error::from_errno(answer, concat("finding '", command, "' in PATH '", path, "'"));
}

}  // namespace tank::shim
