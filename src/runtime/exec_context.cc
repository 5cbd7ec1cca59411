#include "runtime/exec_context.h"

#include <boost/json.hpp>

#include "sys/file.h"

namespace tank::runtime {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxConfigBytes = 4U << 20U;

}  // namespace

std::filesystem::path config_path(const std::filesystem::path& pod_directory, const std::string& container) {
  return pod_directory / "containers" / container / "config.json";
}

Result<ExecContext> read_exec_context(const std::filesystem::path& pod_directory, const std::string& container) {
  const std::filesystem::path path = config_path(pod_directory, container);
  const std::string text = TRY(sys::read_file(path, kMaxConfigBytes));
  boost::system::error_code failure;
  const json::value config = json::parse(text, failure);
  const json::value* env = failure ? nullptr : config.find_pointer("/process/env", failure);
  const json::value* cwd = failure ? nullptr : config.find_pointer("/process/cwd", failure);
  if (failure || !env || !env->is_array() || !cwd || !cwd->is_string()) {
    return error(Kind::corrupt, "reading '", path.native(), "': not a runtime configuration");
  }
  ExecContext context;
  context.working_dir = std::string(cwd->get_string());
  for (const json::value& one : env->get_array()) {
    if (one.is_string()) context.env.emplace_back(one.get_string());
  }
  return context;
}

}  // namespace tank::runtime
