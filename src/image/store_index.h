// The text of the store's index.json: read into entries, and edited so that what other tools wrote there stays. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "image/store.h"
#include "tank/result.h"

namespace tank::image {

/// Error kind: corrupt.
Result<std::vector<Entry>> parse_store_index(std::string_view text);

/// The text with this entry in place of an earlier one of the same reference.
Result<std::string> with_entry(std::string_view text, const Entry& entry);

/// The text without the chosen entries.
Result<std::string> without_entries(std::string_view text, const std::function<bool(const Entry&)>& chosen);

}  // namespace tank::image
