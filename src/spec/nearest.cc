// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, each costing one. Words
// longer than any field name are not compared at all, so the rows are fixed arrays.
#include "spec/nearest.h"

#include <algorithm>
#include <array>

#include "tank/result.h"

namespace tank::spec {

namespace {

constexpr std::size_t kLongest = 64;
using Row = std::array<std::size_t, kLongest + 1>;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool alike(char a, char b) { return lower(a) == lower(b); }

std::size_t distance(std::string_view a, std::string_view b) {
  Row before{};  // two rows up
  Row above{};
  Row row{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = above[j - 1] + (alike(a[i - 1], b[j - 1]) ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, substituted});
      const bool swapped = i > 1 && j > 1 && alike(a[i - 1], b[j - 2]) && alike(a[i - 2], b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.size()];
}

}  // namespace

// A third of the letters may be wrong, and one always.
Nearest::Nearest(std::string_view word)
    : word_(word.size() <= kLongest ? word : std::string_view()),
      distance_(std::max<std::size_t>(2, word.size() / 3 + 1)) {}

void Nearest::consider(std::string_view known) {
  if (word_.empty() || known.size() > kLongest) return;
  const std::size_t lengths = word_.size() > known.size() ? word_.size() - known.size() : known.size() - word_.size();
  if (lengths >= distance_) return;
  const std::size_t found = distance(word_, known);
  if (found >= distance_) return;
  distance_ = found;
  best_ = known;
}

std::string Nearest::hint() const { return best_.empty() ? std::string() : concat("; did you mean '", best_, "'?"); }

}  // namespace tank::spec
