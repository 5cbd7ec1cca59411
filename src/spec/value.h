// One value of a manifest with its path: every typed look at it either succeeds or leaves a finding, never both.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spec/document.h"
#include "spec/findings.h"
#include "spec/syntax.h"
#include "tank/units.h"

namespace tank::spec {

/// A word of a manifest and what it stands for.
template <typename Enum>
using Word = std::pair<std::string_view, Enum>;

/// Borrows its node: the Documents it came from must outlive it.
class Value : public Place {
 public:
  Value(const Node& node, std::string path, Findings& findings)
      : Place(findings, node.position, std::move(path)), node_(&node) {}

  Form form() const { return node_->form; }
  /// Null is the same as not given, as in Kubernetes.
  bool is_absent() const { return node_->form == Form::null; }
  /// The letters of a scalar, whatever they mean.
  std::string_view raw() const { return node_->text; }

  /// A string; numbers and booleans without quotes are not.
  std::optional<std::string> text() const;
  std::optional<std::string> text(const Syntax& syntax) const;
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer(std::int64_t least, std::int64_t most) const;
  std::optional<Id> id() const;
  std::optional<IpAddress> ip_address() const;
  std::optional<IpPrefix> ip_prefix() const;
  std::optional<MacAddress> mac_address() const;

  /// One of a set of words, letter for letter.
  template <typename Enum, std::size_t N>
  std::optional<Enum> choice(const Word<Enum> (&words)[N]) const {
    const auto letters = text();
    if (!letters) return std::nullopt;
    std::string known;
    for (const auto& [word, meaning] : words) {
      if (word == *letters) return meaning;
      known += concat(known.empty() ? "" : ", ", word.empty() ? "\"\"" : word);
    }
    refuse_choice(*letters, known);
    return std::nullopt;
  }

  /// The items of a list; a finding and none if it is not one.
  std::vector<Value> items() const;
  std::vector<std::string> texts() const;
  std::vector<std::string> texts(const Syntax& syntax) const;

  /// False, and a finding, if it is not a map.
  bool is_map() const;
  const std::vector<Entry>& entries() const { return node_->entries; }
  Value member(const Entry& entry) const { return Value(*entry.value, member_path_of(entry), findings()); }
  /// The place of a member's key.
  Place key(const Entry& entry) const { return Place(findings(), entry.position, member_path_of(entry)); }

 private:
  bool is_scalar() const { return node_->form == Form::plain || node_->form == Form::text; }
  std::string member_path_of(const Entry& entry) const;
  void refuse_choice(std::string_view letters, std::string_view known) const;

  const Node* node_;
};

/// Takes over a value that was readable and leaves the target alone otherwise.
template <typename Target, typename Source>
void assign(Target& target, std::optional<Source> source) {
  if (source) target = std::move(*source);
}

}  // namespace tank::spec
