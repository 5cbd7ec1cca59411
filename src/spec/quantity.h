// Kubernetes quantities: 500m, 0.5, 128Mi, 1e3, 2G. Exact integer arithmetic, rounded up.
#pragma once

#include <string_view>

#include "spec/value.h"
#include "tank/units.h"

namespace tank::spec {

/// Whole bytes, fractions rounded up. Error kind: invalid.
Result<Bytes> parse_bytes(std::string_view text);
/// Thousandths of a processor, fractions rounded up. Error kind: invalid.
Result<Millicores> parse_millicores(std::string_view text);

/// A quantity in a manifest may be a string or a number; nullopt and a finding if it is neither.
std::optional<Bytes> read_bytes(const Value& value);
std::optional<Millicores> read_millicores(const Value& value);

}  // namespace tank::spec
