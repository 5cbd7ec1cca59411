// What `tank run --events` says, read back.
#pragma once

#include <sys/types.h>

#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "support/process.h"

namespace tank::test {

/// Every line that is a JSON object, in order.
std::vector<boost::json::object> events_of(std::string_view err);
/// Those of this name ("running", "signaled", …).
std::vector<boost::json::object> events_of(std::string_view err, std::string_view name);
/// Waits for the first container to run and gives its pid on the host. Throws std::runtime_error when it does not.
pid_t wait_running(Child& tank);
/// The parent of a process, from /proc: of a container, its shim.
pid_t parent_of(pid_t pid);

}  // namespace tank::test
