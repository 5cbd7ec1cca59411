// Where what a workload sees under Tank may differ from what it sees under runc with the same configuration, and why.
#pragma once

#include <string>
#include <vector>

#include "path/compare/flatten.h"

namespace tank::test {

/// "field: 'under tank' under tank, 'under runc' under runc", for every difference that the table does not allow. A
/// field that one side lacks counts as "(none)".
std::vector<std::string> unexplained(const Fields& tank, const Fields& runc);

}  // namespace tank::test
