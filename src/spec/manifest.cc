// parse_manifests: text to documents, documents to drafts by kind, drafts to pods once every document is known.
#include "tank/manifest.h"

#include <map>

#include "spec/findings.h"
#include "spec/nearest.h"
#include "spec/network.h"
#include "spec/pod.h"
#include "spec/scalar.h"
#include "spec/value.h"

namespace tank {

namespace spec {
namespace {

struct File {
  std::vector<PodDraft> pods;
  Networks networks;
};

void read_document(const Value& document, File& file);

void read_list_member(const Value& list, const Entry& entry, File& file) {
  const Value member = list.member(entry);
  if (entry.key == "items") {
    if (member.is_absent()) return;
    for (const Value& item : member.items()) read_document(item, file);
  } else if (entry.key == "apiVersion") {
    static constexpr Word<bool> kVersions[] = {{"v1", true}};
    member.choice(kVersions);
  } else if (entry.key != "kind" && entry.key != "metadata") {
    list.key(entry).refuse("unknown field of a List");
  }
}

void refuse_kind(const Value& kind, std::string_view name) {
  constexpr std::string_view kKnown = "Pod, List and NetworkAttachmentDefinition are";
  kind.refuse("kind ", in_quotes(name), " is not supported yet; ", kKnown);
}

void read_document(const Value& document, File& file) {
  if (!document.is_map()) return;
  std::optional<std::string> kind;
  bool has_kind = false;
  for (const Entry& entry : document.entries()) {
    if (entry.key != "kind" || entry.value->form == Form::null) continue;
    const Value value = document.member(entry);
    has_kind = true;
    kind = value.text();
    if (kind && *kind != "Pod" && *kind != "List" && *kind != "NetworkAttachmentDefinition") refuse_kind(value, *kind);
  }
  if (!has_kind) document.refuse("kind is required");
  if (kind == "Pod") file.pods.push_back(read_pod(document));
  if (kind == "NetworkAttachmentDefinition") read_network_definition(document, file.networks);
  if (kind != "List") return;
  for (const Entry& entry : document.entries()) read_list_member(document, entry, file);
}

void refuse_doubles(const std::vector<PodDraft>& pods) {
  std::map<std::string, std::uint32_t> lines;
  for (const PodDraft& draft : pods) {
    if (draft.pod.name.empty()) continue;
    const std::string key = to_string_key(draft.pod);
    const auto [first, is_new] = lines.emplace(key, draft.place.position().line);
    if (!is_new) draft.place.refuse("the pod ", key, " is given twice, before on line ", first->second);
  }
}

File read_file(const Documents& documents, Findings& findings) {
  File file;
  for (const Node* root : documents.roots) {
    if (root->form != Form::null) read_document(Value(*root, {}, findings), file);
  }
  refuse_doubles(file.pods);
  // A definition may stand in the part that could not be read.
  if (!documents.complete) return file;
  for (PodDraft& draft : file.pods) draft.pod.nics = resolve_attachments(draft.attachments, file.networks);
  return file;
}

}  // namespace
}  // namespace spec

Manifest parse_manifests(std::string_view text, std::string_view file) {
  spec::Findings findings(file);
  const spec::Documents documents = spec::parse_documents(text);
  for (const spec::Problem& problem : documents.problems) findings.error(problem.position, problem.path, problem.rule);
  if (documents.roots.empty() && documents.complete) findings.error({}, {}, "there are no documents in this text");
  spec::File read = spec::read_file(documents, findings);
  Manifest manifest;
  if (!findings.has_errors()) {
    for (spec::PodDraft& draft : read.pods) manifest.pods.push_back(std::move(draft.pod));
  }
  manifest.errors = findings.take_errors();
  manifest.warnings = findings.take_warnings();
  return manifest;
}

}  // namespace tank
