// A manifest's text as trees of nodes that know where they stand. YAML and JSON look the same from here on.
//
// Nothing is interpreted yet: a plain scalar keeps its letters, and whoever reads the field decides what they mean.
// Aliases are already expanded (within limits), merge keys already merged, duplicate keys already found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tank::spec {

inline constexpr std::size_t kMaxTextBytes = std::size_t{8} << 20U;
inline constexpr std::size_t kMaxDepth = 100;
inline constexpr std::size_t kMaxAliasNodes = 100'000;
inline constexpr std::size_t kMaxNodes = 500'000;  ///< written out, aliases not counted

/// Line and column, both from 1; columns are bytes.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  auto operator<=>(const Position&) const = default;
};

enum class Form : std::uint8_t {
  null,
  plain,  ///< written without quotes: may mean a number or a boolean
  text,   ///< quoted, a block scalar, or tagged as a string
  list,
  map
};

struct Node;

/// One item of a list (key empty) or one member of a map.
struct Entry {
  std::string key;
  Position position;  ///< of the key; of the value in a list
  const Node* value = nullptr;
};

struct Node {
  Form form = Form::null;
  Position position;
  std::string text;
  std::vector<Entry> entries;
};

/// What is wrong with the text itself.
struct Problem {
  Position position;
  std::string path;
  std::string rule;
};

/// The documents of a text. Owns every node; moving it keeps them where they are.
struct Documents {
  std::deque<Node> nodes;
  std::vector<const Node*> roots;
  std::vector<Problem> problems;
  bool complete = true;  ///< false: a problem ended the reading early
};

/// Text that starts with a brace or bracket is read as a stream of JSON values, and as YAML if that fails.
Documents parse_documents(std::string_view text);

/// Exactly one JSON value that stands inside a scalar at `position`: every node gets that position.
Documents parse_embedded_json(std::string_view text, Position position);

}  // namespace tank::spec
