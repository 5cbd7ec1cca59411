// Reading back, from a pod's run directory, what entering one of its containers needs.
#pragma once

#include <filesystem>
#include <string>

#include "tank/result.h"
#include "tank/runtime.h"

namespace tank::runtime {

/// Where a container's config.json stands.
std::filesystem::path config_path(const std::filesystem::path& pod_directory, const std::string& container);

/// Environment and working directory from config.json; host_pid stays 0. Error kinds: not_found, corrupt.
Result<ExecContext> read_exec_context(const std::filesystem::path& pod_directory, const std::string& container);

}  // namespace tank::runtime
