#include "support/probe.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include "support/temp_dir.h"

namespace tank::test {

namespace {

namespace fs = std::filesystem;

std::optional<boost::json::value> parse_object(std::string_view line) {
  if (line.empty() || line.front() != '{') return std::nullopt;
  boost::json::error_code problem;
  boost::json::value parsed = boost::json::parse(boost::json::string_view(line.data(), line.size()), problem);
  if (problem) return std::nullopt;
  return parsed;
}

}  // namespace

void make_probe_root(const fs::path& directory) {
  for (const char* name : {"bin", "etc", "tmp", "home/guest"}) fs::create_directories(directory / name);
  fs::permissions(directory / "tmp", fs::perms{01777});
  fs::copy_file(probe_program(), directory / "bin/probe", fs::copy_options::overwrite_existing);
  std::ofstream(directory / "etc/passwd") << "root:x:0:0:root:/root:/bin/probe\n"
                                             "daemon:x:1:1:daemon:/:/bin/probe\n"
                                             "guest:x:1000:1000:guest:/home/guest:/bin/probe\n";
  std::ofstream(directory / "etc/group") << "root:x:0:\n"
                                            "daemon:x:1:\n"
                                            "audio:x:29:guest\n"
                                            "video:x:44:guest,root\n"
                                            "guest:x:1000:\n";
}

boost::json::value parse_report(std::string_view output) {
  std::optional<boost::json::value> last;
  for (std::string_view left = output; !left.empty();) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    if (auto parsed = parse_object(left.substr(0, end))) last = std::move(parsed);
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  if (!last) throw std::runtime_error("no report of the probe in: " + std::string(output));
  return *last;
}

}  // namespace tank::test
