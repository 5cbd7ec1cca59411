// The running program itself.
#pragma once

#include <filesystem>
#include <string>

#include "tank/result.h"

namespace tank::sys {

/// The path of a program that is installed with this one: beside it, or in ../libexec/tank. Kind::not_found, naming
/// both.
Result<std::filesystem::path> beside_this_program(const std::string& name);

}  // namespace tank::sys
