// The child between clone and execve: everything a container is, done from inside, in one straight list.
#pragma once

#include <vector>

#include "shim/plan.h"
#include "sys/fd.h"

namespace tank::shim {

/// Descriptors of the shim that the child starts with.
struct ChildDescriptors {
  int report = -1;
  int stdio[3] = {-1, -1, -1};  ///< −1: what the shim has there, which is /dev/null
  std::vector<int> cgroup_procs;
};

/// Never returns: executes the workload, or reports what failed and exits.
[[noreturn]] void run_child(const Plan& plan, const ChildDescriptors& given);

/// Where the child's report socket stands once it has put its descriptors in order.
inline constexpr int kReportNumber = 3;

// The steps of the list, in its order. Each does what its name says and needs what stands before it.

/// Mounts the overlay (or binds the one directory) at plan.root and gives the new root.
Result<sys::Fd> mount_rootfs(const Plan& plan);
Result<> mount_all(const Plan& plan, const sys::Fd& root);
Result<> make_devices(const Plan& plan, const sys::Fd& root);
/// Masked and read-only paths, then the root itself when it is to be read-only.
Result<> protect_paths(const Plan& plan, const sys::Fd& root);
/// Descriptors 0 to 2 without a source become the container's own null device; pipes go to the workload's user.
Result<> connect_streams(const Plan& plan, const ChildDescriptors& given, const sys::Fd& root);
/// A terminal of the container's own devpts as descriptors 0 to 2 and /dev/console. Gives its master.
Result<sys::Fd> connect_terminal(const Plan& plan, const sys::Fd& root);

/// Fills a fresh tmpfs that is to become /dev with its links; make_devices() adds the nodes.
Result<> fill_dev(const sys::Fd& dev);
/// O_PATH of the container's null device, verified to be one; of the host's when the container has none.
Result<sys::Fd> open_null_device(const sys::Fd& root);

Result<> write_sysctls(const Plan& plan);
Result<> enter_directory(const char* directory);
Result<> drop_privileges(const Plan& plan);
/// The filter, and with it the last capability that installing it took.
Result<> confine(const Plan& plan);

/// With an init: splits into the init, which never returns, and the workload, which does.
Result<> start_init(const Plan& plan);

/// Finds the command as execvp(3) does, along the plan's own PATH, and executes it. Returns only the failure.
Error execute_command(const Plan& plan);

/// Sends one record, with a descriptor or −1.
void send_report(int report, std::uint32_t type, int number, const char* step, const char* text, int descriptor);

}  // namespace tank::shim
