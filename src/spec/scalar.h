// What a scalar written without quotes means, as the YAML of Kubernetes reads it, and how values and paths are shown in
// findings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tank::spec {

enum class Meaning : std::uint8_t { string, boolean, number };

/// YAML 1.1 as Kubernetes reads it: yes, no, on, off, y and n are booleans too, 0x1f and 1_000 are numbers.
Meaning meaning_of(std::string_view plain);

/// nullopt when it is not a boolean.
std::optional<bool> boolean_of(std::string_view plain);

/// In single quotes, control characters escaped, cut when long.
std::string in_quotes(std::string_view text);

/// "spec" + "containers" → "spec.containers"; a key that is no plain word stands in brackets.
std::string member_path(std::string_view parent, std::string_view key);
std::string item_path(std::string_view parent, std::size_t index);

/// The offset of the first byte that does not belong to well-formed UTF-8 (RFC 3629); nullopt when all do.
std::optional<std::size_t> find_bad_utf8(std::string_view text);

/// Appends one code point, which must not be a surrogate.
void append_utf8(std::string& out, std::uint32_t code);

}  // namespace tank::spec
