// YAML through the events of yaml-cpp. Two things the library lets pass are refused here: a quote that is never closed
// and a second document without its "---".
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>

#include "spec/builder.h"
#include "spec/scalar.h"
#include "tank/result.h"

namespace tank::spec {

namespace {

/// Reads a string_view in place.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT: the get area of a streambuf is never written to
    setg(begin, begin, begin + text.size());
  }
};

Position to_position(const YAML::Mark& mark) {
  const auto from_one = [](int zero_based) { return static_cast<std::uint32_t>(zero_based < 0 ? 0 : zero_based) + 1; };
  return Position{from_one(mark.line), from_one(mark.column)};
}

/// Whether the quoted scalar that `text` begins with is closed. Anchors and tags may stand before it.
bool is_closed(std::string_view text) {
  while (!text.empty() && (text[0] == '!' || text[0] == '&')) {
    text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  if (text.empty() || (text[0] != '"' && text[0] != '\'')) return true;
  const char quote = text[0];
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool doubled = quote == '\'' && text.substr(i, 2) == "''";
    const bool escape = quote == '"' && text[i] == '\\';
    if (doubled || escape) {
      ++i;
    } else if (text[i] == quote) {
      return true;
    }
  }
  return false;
}

class Handler : public YAML::EventHandler {
 public:
  Handler(std::string_view text, Builder& builder) : text_(text), builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0 && rest(mark).substr(0, 3) != "---") {
      throw Stop{Stop::Cause::syntax, {to_position(mark), {}, "expected the end of the document or \"---\""}};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder_.scalar(to_position(mark), Form::null, {}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { builder_.alias(to_position(mark), anchor); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (tag != "?" && !is_closed(rest(mark))) {
      throw Stop{Stop::Cause::syntax, {to_position(mark), {}, "the quote is never closed"}};
    }
    builder_.scalar(to_position(mark), form_of(mark, tag, value), value, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag, "tag:yaml.org,2002:seq");
    builder_.begin(to_position(mark), Form::list, anchor);
  }
  void OnSequenceEnd() override { builder_.end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag, "tag:yaml.org,2002:map");
    builder_.begin(to_position(mark), Form::map, anchor);
  }
  void OnMapEnd() override { builder_.end(); }

 private:
  std::string_view rest(const YAML::Mark& mark) const {
    return text_.substr(std::min(static_cast<std::size_t>(mark.pos < 0 ? 0 : mark.pos), text_.size()));
  }

  // "?" is a plain scalar or an untagged collection, "!" a scalar in quotes or a block.
  Form form_of(const YAML::Mark& mark, const std::string& tag, const std::string& value) {
    if (tag == "?") return Form::plain;
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return Form::text;
    if (tag == "tag:yaml.org,2002:null" && value.empty()) return Form::null;
    const bool boolean = tag == "tag:yaml.org,2002:bool" && meaning_of(value) == Meaning::boolean;
    const bool number =
        (tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:float") && meaning_of(value) == Meaning::number;
    if (boolean || number) return Form::plain;
    builder_.problem(to_position(mark), concat("the tag ", in_quotes(tag), " is not supported for this value"));
    return Form::text;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag, std::string_view expected) {
    if (tag == "?" || tag == "!" || tag == expected) return;
    builder_.problem(to_position(mark), concat("the tag ", in_quotes(tag), " is not supported for this value"));
  }

  std::string_view text_;
  Builder& builder_;
  std::size_t documents_ = 0;
};

}  // namespace

void read_yaml(std::string_view text, Builder& builder) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  Handler handler(text, builder);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::Exception& exception) {
    throw Stop{Stop::Cause::syntax, {to_position(exception.mark), {}, exception.msg}};
  }
}

}  // namespace tank::spec
