// The static probe (tests/probe) as an image's content: a root to run it in, and its report as a value. Callers that
// look into a report include <boost/json.hpp>.
#pragma once

#include <boost/json/fwd.hpp>
#include <filesystem>
#include <string_view>

namespace tank::test {

/// Makes a root directory with the probe as /bin/probe, the accounts root, daemon (1) and guest (1000, also in the
/// groups audio 29 and video 44), and /tmp: enough for every verb of the probe. For `rootfs:` references, layers and
/// bundles.
void make_probe_root(const std::filesystem::path& directory);

/// The last line of a program's output that is a JSON object. Throws std::runtime_error with the whole text when there
/// is none, which ends the test.
boost::json::value parse_report(std::string_view output);

}  // namespace tank::test
