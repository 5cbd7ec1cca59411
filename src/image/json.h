// Reading JSON that others wrote: bounded depth, no exceptions, and members that must be of their type or absent. Go
// programs write null for an empty list or map, so null counts as absent.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tank/result.h"

namespace tank::image::json {

/// The whole text as one object. Error kind: corrupt.
Result<boost::json::object> parse_object(std::string_view text);

/// Null and absent members are nullptr.
const boost::json::value* find(const boost::json::object& object, std::string_view key);

/// Each is empty (or nullptr) when the member is absent and Kind::corrupt when it is of another type.
Result<std::string> string(const boost::json::object& object, std::string_view key);
Result<const boost::json::object*> object(const boost::json::object& object, std::string_view key);
Result<const boost::json::array*> array(const boost::json::object& object, std::string_view key);
Result<std::vector<std::string>> strings(const boost::json::object& object, std::string_view key);
/// A whole number of 0 or more.
Result<std::optional<std::uint64_t>> number(const boost::json::object& object, std::string_view key);

}  // namespace tank::image::json
