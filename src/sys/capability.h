// Capabilities of this process, as one 64-bit mask per set (capabilities(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tank/result.h"

namespace tank::sys {

inline constexpr std::uint64_t kCapabilitySysAdmin = std::uint64_t{1} << 21U;

/// The bit number of "CAP_CHOWN" and its like; nothing for names this version does not know.
std::optional<unsigned> capability_by_name(std::string_view name);

/// Drops from the bounding set what is not in `keep`. Needs CAP_SETPCAP.
Result<> limit_bounding_set(std::uint64_t keep);
/// PR_SET_KEEPCAPS: permitted capabilities survive the next change of user, until execve(2).
Result<> keep_capabilities();
Result<> set_capabilities(std::uint64_t effective, std::uint64_t permitted, std::uint64_t inheritable);
/// Raises exactly these ambient capabilities; they must be permitted and inheritable already.
Result<> raise_ambient(std::uint64_t ambient);
Result<> set_no_new_privileges();

}  // namespace tank::sys
