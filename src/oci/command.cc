#include "oci/command.h"

#include <algorithm>
#include <filesystem>

namespace tank::oci {

namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const std::string* find(const Variables& variables, std::string_view name) {
  const auto found =
      std::find_if(variables.begin(), variables.end(), [&](const auto& variable) { return variable.first == name; });
  return found == variables.end() ? nullptr : &found->second;
}

void set(Variables& variables, std::string_view name, std::string value) {
  const auto found =
      std::find_if(variables.begin(), variables.end(), [&](const auto& variable) { return variable.first == name; });
  if (found == variables.end()) {
    variables.emplace_back(name, std::move(value));
  } else {
    found->second = std::move(value);
  }
}

/// The kernel's strings end at a NUL byte: one inside would silently cut what was meant.
Result<> refuse_nul(std::string_view what, std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return {};
  return error(Kind::invalid, what, " '", text.substr(0, text.find('\0')), "' goes on after a NUL byte");
}

}  // namespace

std::string expand(std::string_view text, const Variables& known) {
  std::string out;
  while (!text.empty()) {
    const auto dollar = std::min(text.find('$'), text.size());
    out += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.size() < 2) return out += text;
    const auto close = text[1] == '(' ? text.find(')') : std::string_view::npos;
    if (close == std::string_view::npos) {
      // "$$" is one dollar, and what follows it is plain text; any other pair stands for itself.
      out += text[1] == '$' ? std::string_view("$") : text.substr(0, 2);
      text.remove_prefix(2);
      continue;
    }
    const std::string* value = find(known, text.substr(2, close - 2));
    out += value ? std::string_view(*value) : text.substr(0, close + 1);
    text.remove_prefix(close + 1);
  }
  return out;
}

Variables manifest_variables(const Container& container) {
  Variables out;
  for (const EnvVar& variable : container.env) set(out, variable.name, expand(variable.value, out));
  return out;
}

Result<std::vector<std::string>> resolve_args(const Container& container, const ImageConfig& image,
                                              const Variables& manifest) {
  std::vector<std::string> out;
  for (const std::string& word : container.command) out.push_back(expand(word, manifest));
  if (container.command.empty()) out = image.entrypoint;
  for (const std::string& word : container.args) out.push_back(expand(word, manifest));
  if (container.command.empty() && container.args.empty()) out.insert(out.end(), image.cmd.begin(), image.cmd.end());
  if (out.empty() || out[0].empty()) {
    return error(Kind::invalid, "container '", container.name, "' has no command: neither the manifest nor image '",
                 container.image, "' names one");
  }
  for (const std::string& word : out) TRY(refuse_nul("argument", word));
  return out;
}

Result<std::vector<std::string>> resolve_env(const Container& container, const ImageConfig& image,
                                             const Variables& manifest, const std::string& hostname,
                                             const std::string& home) {
  Variables merged;
  set(merged, "PATH", std::string(kDefaultPath));
  set(merged, "HOSTNAME", hostname);
  if (container.tty) set(merged, "TERM", "xterm");
  for (const std::string& entry : image.env) {
    const auto equals = entry.find('=');
    // An entry without '=' would ask for the host's value of that name, which no container gets.
    if (equals == std::string::npos || equals == 0) continue;
    set(merged, entry.substr(0, equals), entry.substr(equals + 1));
  }
  for (const auto& [name, value] : manifest) set(merged, name, value);
  if (const std::string* said = find(merged, "HOME"); said == nullptr) set(merged, "HOME", home);

  std::vector<std::string> out;
  out.reserve(merged.size());
  for (const auto& [name, value] : merged) out.push_back(concat(name, "=", value));
  for (const std::string& entry : out) TRY(refuse_nul("environment variable", entry));
  return out;
}

Result<std::string> resolve_working_dir(const Container& container, const ImageConfig& image) {
  const std::string& said = container.working_dir.empty() ? image.working_dir : container.working_dir;
  TRY(refuse_nul("working directory", said));
  std::string clean = std::filesystem::path("/" + said).lexically_normal().native();
  // lexically_normal keeps a leading "//" apart (POSIX leaves its meaning open) and a trailing slash.
  clean.erase(0, std::min(clean.find_first_not_of('/'), clean.size()));
  while (!clean.empty() && clean.back() == '/') clean.pop_back();
  return "/" + clean;
}

}  // namespace tank::oci
