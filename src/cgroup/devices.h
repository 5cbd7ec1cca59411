// Device rules as the two mechanisms of the kernel take them: a cgroup device program, or lines for the v1 devices
// controller. Pure. The rules' meaning is the same for both: each kind of access (read, write, mknod) is decided by the
// last rule that matches the device and names that access; what no rule decides is denied; no rules at all deny
// nothing.
#pragma once

#include <string>
#include <vector>

#include "oci/config.h"
#include "sys/bpf.h"
#include "tank/result.h"

namespace tank::cgroup {

/// Types a, b, c; access some of r, w, m; major 0 … 4095, minor 0 … 1048575. Error kind: invalid.
Result<> check_device_rules(const std::vector<oci::DeviceRule>& rules);

/// False when every access is allowed anyway, so that nothing needs to be set up.
bool confines(const std::vector<oci::DeviceRule>& rules);

/// The program for BPF_CGROUP_DEVICE. Expects checked rules.
std::vector<sys::bpf::Instruction> plan_device_program(const std::vector<oci::DeviceRule>& rules);

/// A write of `line` to `file` in the leaf's directory of the devices hierarchy.
struct DeviceLine {
  std::string file;  ///< devices.allow or devices.deny
  std::string line;
  auto operator<=>(const DeviceLine&) const = default;
};

/// The same for the v1 controller, which knows one default and a flat list of exceptions. Rules that cannot be said so
/// (an exception to an exception that overlaps it in part) are Kind::unsupported. Expects checked rules.
Result<std::vector<DeviceLine>> plan_device_lines(const std::vector<oci::DeviceRule>& rules);

}  // namespace tank::cgroup
