// Findings are kept in the order they were made and sorted by position when they are taken: checks across fields come
// late but belong where the field stands.
#include "spec/findings.h"

#include <algorithm>
#include <tuple>

namespace tank {

std::string to_string(const Finding& finding) {
  const std::string path = finding.path.empty() ? std::string() : concat(finding.path, ": ");
  return concat(finding.file, ":", finding.line, ":", finding.column, ": ", path, finding.rule);
}

namespace spec {

namespace {

constexpr std::size_t kMaxKept = 20 * Findings::kMaxShown;

}  // namespace

void Findings::add(std::vector<Finding>& list, Position position, std::string path, std::string rule) const {
  if (list.size() >= kMaxKept) return;
  list.push_back(Finding{file_, position.line, position.column, std::move(path), std::move(rule)});
}

std::vector<Finding> Findings::take(std::vector<Finding>& list) {
  const auto position = [](const Finding& finding) { return std::tie(finding.line, finding.column); };
  std::stable_sort(list.begin(), list.end(),
                   [&](const Finding& a, const Finding& b) { return position(a) < position(b); });
  if (list.size() > kMaxShown) {
    Finding rest = list[kMaxShown];
    rest.path.clear();
    rest.rule = concat("and more: only the first ", kMaxShown, " findings are shown");
    list.resize(kMaxShown);
    list.push_back(std::move(rest));
  }
  return std::move(list);
}

}  // namespace spec
}  // namespace tank
