// What a container's child tells the shim over its report socket, and what the shim answers: fixed-size records, since
// the child is in no state to build anything else.
#pragma once

#include <array>
#include <cstdint>

namespace tank::shim {

struct Report {
  enum class Type : std::uint32_t {
    parked,    ///< everything of its file system stands; a terminal's master comes along
    executed,  ///< only from an init: its child executes the workload (without one, the closed socket says so)
    failed,    ///< the last record of this child
    signaled,  ///< only from an init: the workload was ended by signal `number`; the init exits next
  };
  Type type = Type::failed;
  std::int32_t number = 0;  ///< errno, or the signal
  std::array<char, 24> step{};
  std::array<char, 480> text{};
};

/// What the shim sends to a parked child to let it go on.
inline constexpr char kProceed = 'p';

}  // namespace tank::shim
