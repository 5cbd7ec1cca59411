// What this machine is, in the kernel's words.
#pragma once

#include <string>

namespace tank::sys {

/// uname(2)'s machine: "x86_64", "aarch64", "armv7l", …
std::string machine_name();

}  // namespace tank::sys
