// A report of the probe as flat fields, "mounts[/proc].options" → "rw,nosuid", so that two reports can be compared
// field by field. Entries of lists are named by what they are about and not by their place.
#pragma once

#include <boost/json/fwd.hpp>
#include <map>
#include <string>

namespace tank::test {

using Fields = std::map<std::string, std::string>;

/// Numbers that differ between any two runs are replaced by what they mean: a namespace is "own" or "host", a pipe is
/// "pipe".
Fields flatten(const boost::json::value& report);

}  // namespace tank::test
