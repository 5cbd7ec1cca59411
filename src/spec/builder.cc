// The tree under construction is a stack of open lists and maps. Every node's extent (how many nodes and levels it
// stands for) is known when it closes, so that an alias costs its expanded size without ever being walked.
#include "spec/builder.h"

#include <algorithm>

#include "spec/scalar.h"
#include "tank/result.h"

namespace tank::spec {

namespace {

// Long text counts as several nodes: an alias to a megabyte must not be free.
std::size_t weight_of_text(std::size_t size) { return 1 + size / 64; }

std::string at(Position position) { return concat(position.line, ":", position.column); }

}  // namespace

void Builder::Extent::add(const Extent& inner) {
  weight += inner.weight;
  height = std::max(height, inner.height + 1);
}

void Builder::scalar(Position position, Form form, std::string text, Anchor anchor) {
  if (expects_key()) {
    if (anchor != kNoAnchor) {
      Node& node = add_node(position, form);
      node.text = text;
      anchors_[anchor] = Anchored{&node, Extent{weight_of_text(text.size()), 0}};
    }
    take_key(position, form, std::move(text));
    return;
  }
  Node& node = add_node(position, form);
  node.text = std::move(text);
  attach(node, node.position);
  close(node, Extent{weight_of_text(node.text.size()), 0}, anchor);
}

void Builder::begin(Position position, Form form, Anchor anchor) {
  if (expects_key()) throw Stop{Stop::Cause::syntax, {position, path(), "a key must be a scalar, not a list or a map"}};
  if (frames_.size() >= kMaxDepth) {
    throw Stop{Stop::Cause::limit, {position, path(), concat("is nested deeper than ", kMaxDepth, " levels")}};
  }
  Node& node = add_node(position, form);
  attach(node, node.position);
  if (anchor != kNoAnchor) anchors_[anchor] = Anchored{&node, std::nullopt};
  frames_.push_back(Frame{&node, Extent{1, 1}, anchor, std::nullopt, std::nullopt, false});
}

void Builder::end() {
  Frame& frame = frames_.back();
  if (frame.node->form == Form::map) {
    find_duplicates(*frame.node);
    if (frame.merge) merge_into(frame);
  }
  const Frame closed = std::move(frame);
  frames_.pop_back();
  close(*closed.node, closed.extent, closed.anchor);
}

void Builder::alias(Position position, Anchor anchor) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end())
    throw Stop{Stop::Cause::syntax, {position, path(), "names an anchor that is not defined"}};
  const auto& [target, extent] = found->second;
  if (!extent) throw Stop{Stop::Cause::limit, {position, path(), "is an alias to something that contains it"}};
  alias_nodes_ += extent->weight;
  if (alias_nodes_ > kMaxAliasNodes) {
    throw Stop{Stop::Cause::limit,
               {position, path(), concat("aliases expand to more than ", kMaxAliasNodes, " values")}};
  }
  if (frames_.size() + extent->height > kMaxDepth) {
    throw Stop{Stop::Cause::limit, {position, path(), concat("is nested deeper than ", kMaxDepth, " levels")}};
  }
  if (expects_key()) {
    take_key(position, target->form, target->text);
    return;
  }
  Node& node = add_node(position, target->form);
  node.text = target->text;
  node.entries = target->entries;
  attach(node, node.position);
  close(node, *extent, kNoAnchor);
}

void Builder::problem(Position position, std::string rule) {
  documents_.problems.push_back(Problem{fixed_.value_or(position), path(), std::move(rule)});
}

bool Builder::expects_key() const {
  return !frames_.empty() && frames_.back().node->form == Form::map && !frames_.back().key;
}

void Builder::take_key(Position position, Form form, std::string text) {
  check_key(position, form, text);
  Frame& frame = frames_.back();
  frame.extent.weight += text.size() / 64;
  frame.key_is_plain = form == Form::plain;
  frame.key = Entry{std::move(text), fixed_.value_or(position), nullptr};
}

void Builder::check_key(Position position, Form form, const std::string& text) {
  if (form == Form::list || form == Form::map) {
    throw Stop{Stop::Cause::syntax, {position, path(), "a key must be a scalar, not a list or a map"}};
  }
  if (form == Form::null) problem(position, "a key must not be null");
  if (form == Form::plain && meaning_of(text) == Meaning::boolean) {
    problem(position, concat("the key ", text, " must be quoted: YAML reads it as a boolean"));
  }
}

Node& Builder::add_node(Position position, Form form) {
  if (documents_.nodes.size() >= kMaxNodes + kMaxAliasNodes) {
    throw Stop{Stop::Cause::limit,
               {position, path(), concat("there are more than ", kMaxNodes, " values in the file")}};
  }
  Node& node = documents_.nodes.emplace_back();
  node.form = form;
  node.position = fixed_.value_or(position);
  return node;
}

void Builder::attach(const Node& node, Position position) {
  if (frames_.empty()) return;
  Frame& frame = frames_.back();
  if (frame.node->form == Form::list) {
    frame.node->entries.push_back(Entry{{}, position, &node});
    return;
  }
  frame.key->value = &node;
  if (frame.key_is_plain && frame.key->key == "<<") frame.merge = frame.node->entries.size();
  frame.node->entries.push_back(*frame.key);
}

void Builder::close(const Node& node, const Extent& extent, Anchor anchor) {
  if (anchor != kNoAnchor) anchors_[anchor] = Anchored{&node, extent};
  if (frames_.empty()) {
    documents_.roots.push_back(&node);
    anchors_.clear();
    return;
  }
  frames_.back().extent.add(extent);
  frames_.back().key.reset();
}

void Builder::merge_into(Frame& frame) {
  std::vector<Entry>& entries = frame.node->entries;
  const Entry merge = entries[*frame.merge];
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(*frame.merge));
  if (merge.value->form == Form::map) return merge_from(*merge.value, entries);
  const auto is_map = [](const Entry& entry) { return entry.value->form == Form::map; };
  if (merge.value->form != Form::list ||
      !std::all_of(merge.value->entries.begin(), merge.value->entries.end(), is_map)) {
    return problem(merge.position, "the merge key << takes a map or a list of maps");
  }
  for (const Entry& item : merge.value->entries) merge_from(*item.value, entries);
}

// What the map says itself wins over what it merges, and an earlier source over a later one.
void Builder::merge_from(const Node& source, std::vector<Entry>& entries) {
  std::vector<std::string_view> present;
  for (const Entry& entry : entries) present.push_back(entry.key);
  std::sort(present.begin(), present.end());
  std::vector<Entry> merged;
  for (const Entry& entry : source.entries) {
    if (!std::binary_search(present.begin(), present.end(), std::string_view(entry.key))) merged.push_back(entry);
  }
  entries.insert(entries.end(), std::make_move_iterator(merged.begin()), std::make_move_iterator(merged.end()));
}

void Builder::find_duplicates(const Node& node) {
  std::vector<const Entry*> sorted;
  sorted.reserve(node.entries.size());
  for (const Entry& entry : node.entries) sorted.push_back(&entry);
  const auto less = [](const Entry* a, const Entry* b) { return a->key < b->key; };
  std::stable_sort(sorted.begin(), sorted.end(), less);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i]->key != sorted[i - 1]->key) continue;
    problem(sorted[i]->position,
            concat("the key ", in_quotes(sorted[i]->key), " is given twice, before at ", at(sorted[i - 1]->position)));
  }
}

std::string Builder::path() const {
  std::string out;
  for (const Frame& frame : frames_) {
    if (frame.node->form == Form::list) {
      const bool open = &frame != &frames_.back();
      const std::size_t count = frame.node->entries.size();
      out = item_path(out, open && count > 0 ? count - 1 : count);
    } else if (frame.key) {
      out = member_path(out, frame.key->key);
    }
  }
  return out;
}

}  // namespace tank::spec
