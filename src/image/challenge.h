// The WWW-Authenticate header (RFC 9110, 11.6.1) taken apart. Pure; a registry may send anything.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tank::image {

struct Challenge {
  std::string scheme;                             ///< lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  ///< names in lower case
};

/// The challenges of one header, in order. What cannot be read ends the list.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace tank::image
