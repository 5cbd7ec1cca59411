// Builds the trees of document.h from the events of a YAML or JSON reader, and keeps their limits.
//
// A reader tells scalars, beginnings and ends in text order; in a map, keys and values alternate. What cannot be read
// on is thrown as Stop, which never leaves this room's two readers.
#pragma once

#include <optional>
#include <unordered_map>

#include "spec/document.h"

namespace tank::spec {

/// Ends the reading of a text.
struct Stop {
  enum class Cause : std::uint8_t { syntax, limit };
  Cause cause = Cause::syntax;
  Problem problem;
};

class Builder {
 public:
  using Anchor = std::size_t;
  static constexpr Anchor kNoAnchor = 0;

  Builder() = default;
  /// Every node and problem is said to stand at `fixed`.
  explicit Builder(Position fixed) : fixed_(fixed) {}

  void scalar(Position position, Form form, std::string text, Anchor anchor = kNoAnchor);
  void begin(Position position, Form form, Anchor anchor = kNoAnchor);
  void end();
  void alias(Position position, Anchor anchor);
  void problem(Position position, std::string rule);

  /// Everything read so far; a document that was still open is dropped.
  Documents take() && { return std::move(documents_); }

 private:
  /// How much a node stands for once its aliases are expanded.
  struct Extent {
    std::size_t weight = 0;
    std::size_t height = 0;  ///< lists and maps inside one another; a scalar has none
    void add(const Extent& inner);
  };
  struct Anchored {
    const Node* node = nullptr;
    std::optional<Extent> extent;  ///< unset while the node is still open
  };
  struct Frame {
    Node* node = nullptr;
    Extent extent;
    Anchor anchor = kNoAnchor;
    std::optional<Entry> key;  ///< read, its value still to come
    std::optional<std::size_t> merge;
    bool key_is_plain = false;
  };

  bool expects_key() const;
  void take_key(Position position, Form form, std::string text);
  void check_key(Position position, Form form, const std::string& text);
  Node& add_node(Position position, Form form);
  void attach(const Node& node, Position position);
  void close(const Node& node, const Extent& extent, Anchor anchor);
  void merge_into(Frame& frame);
  void merge_from(const Node& source, std::vector<Entry>& entries);
  void find_duplicates(const Node& node);
  std::string path() const;

  Documents documents_;
  std::optional<Position> fixed_;
  std::vector<Frame> frames_;
  std::unordered_map<Anchor, Anchored> anchors_;
  std::size_t alias_nodes_ = 0;
};

/// The two readers. Both throw Stop.
void read_json(std::string_view text, Builder& builder);
void read_yaml(std::string_view text, Builder& builder);

}  // namespace tank::spec
