// How amounts, digests and tables look to a person.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tank::cli {

/// 1234567 as "1.2 MB".
std::string human_bytes(std::uint64_t bytes);
/// "sha256:3f2a…" as its first twelve digits.
std::string short_digest(const std::string& digest);
/// Columns aligned, two spaces between them, on stdout. Control characters, which an image may bring, become '?'.
void print_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace tank::cli
