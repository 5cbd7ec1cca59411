// "Did you mean": the known word that a misspelt one most resembles.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tank::spec {

/// Compares one word with the known ones. Upper and lower case are alike; a swap of neighbours counts once.
class Nearest {
 public:
  explicit Nearest(std::string_view word);
  void consider(std::string_view known);
  /// Empty when nothing is near.
  std::string_view best() const { return best_; }
  /// "; did you mean 'best'?", or nothing.
  std::string hint() const;

 private:
  std::string word_;  ///< empty if too long to be a misspelt name
  std::string_view best_;
  std::size_t distance_;  ///< of the best; before there is one, the first distance that is too far
};

}  // namespace tank::spec
