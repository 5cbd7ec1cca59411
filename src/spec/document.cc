// Which reader a text gets, and what is checked before either sees it: size, UTF-8, control characters.
#include "spec/document.h"

#include <algorithm>
#include <exception>

#include "spec/builder.h"
#include "spec/scalar.h"
#include "tank/result.h"

namespace tank::spec {

namespace {

Position position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n') + 1);
  const auto newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  return Position{line, static_cast<std::uint32_t>(offset - start + 1)};
}

Documents refused(Problem problem) {
  Documents documents;
  documents.complete = false;
  documents.problems.push_back(std::move(problem));
  return documents;
}

// Control characters are what YAML forbids anyway; one of them (4) even ends the text for the YAML library.
std::optional<Problem> find_bad_bytes(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool newline = byte == '\n' || (byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
    if ((byte < 0x20U && byte != '\t' && !newline) || byte == 0x7fU) {
      return Problem{position_of(text, i), {}, concat("control character ", byte, " is not allowed in the text")};
    }
  }
  const auto bad = find_bad_utf8(text);
  if (bad) return Problem{position_of(text, *bad), {}, "the text is not UTF-8"};
  return std::nullopt;
}

struct Reading {
  Documents documents;
  std::optional<Stop> stop;
};

Reading read(void (*reader)(std::string_view, Builder&), std::string_view text, Builder builder) {
  std::optional<Stop> stop;
  try {
    reader(text, builder);
  } catch (const Stop& caught) {
    stop = caught;
  } catch (const std::exception& exception) {
    stop = Stop{Stop::Cause::limit, {Position{}, {}, concat("cannot be read: ", exception.what())}};
  }
  return Reading{std::move(builder).take(), std::move(stop)};
}

Documents finish(Reading reading) {
  if (!reading.stop) return std::move(reading.documents);
  reading.documents.complete = false;
  reading.documents.problems.push_back(std::move(reading.stop->problem));
  return std::move(reading.documents);
}

// Braces open a YAML flow mapping as well: when neither reader is content, the one that came further knows better.
Documents read_json_or_yaml(std::string_view text) {
  Reading json = read(read_json, text, Builder());
  if (!json.stop || json.stop->cause == Stop::Cause::limit) return finish(std::move(json));
  Reading yaml = read(read_yaml, text, Builder());
  const bool yaml_is_better = !yaml.stop || yaml.stop->problem.position > json.stop->problem.position;
  return finish(yaml_is_better ? std::move(yaml) : std::move(json));
}

}  // namespace

Documents parse_documents(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return refused(Problem{Position{}, {}, concat("the text is larger than ", kMaxTextBytes, " bytes")});
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.substr(0, 3) == kByteOrderMark) text.remove_prefix(3);
  if (auto bad = find_bad_bytes(text)) return refused(std::move(*bad));
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool may_be_json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  return may_be_json ? read_json_or_yaml(text) : finish(read(read_yaml, text, Builder()));
}

Documents parse_embedded_json(std::string_view text, Position position) {
  Reading json = read(read_json, text, Builder(position));
  if (!json.stop && json.documents.roots.size() == 1) return std::move(json.documents);
  if (!json.stop) return refused(Problem{position, {}, "must be one JSON value"});
  const Problem& problem = json.stop->problem;
  return refused(Problem{position, problem.path,
                         concat("is not usable JSON, line ", problem.position.line, " column ", problem.position.column,
                                ": ", problem.rule)});
}

}  // namespace tank::spec
