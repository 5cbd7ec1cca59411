// Profiles as people have them: the runtime-spec's linux.seccomp object (config-linux.md, "Seccomp") and the form
// Docker and Podman ship, which adds archMap and rules that count only with or without certain capabilities.

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/parse.h"
#include "oci/seccomp.h"

namespace tank::oci {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostBytes = 1U << 20U;

struct Context {
  const std::vector<std::string>& capabilities;
  std::string_view architecture;
};

template <typename... Parts>
Error wrong(const Parts&... parts) {
  return error(Kind::invalid, "reading a seccomp profile: ", parts...);
}

bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

Result<const json::object*> as_object(const json::value& value, std::string_view what) {
  if (const json::object* object = value.if_object()) return object;
  return wrong(what, " is not an object");
}

Result<> only_fields(const json::object& object, std::initializer_list<std::string_view> known, std::string_view what) {
  for (const auto& [name, value] : object) {
    const std::string_view said(name.data(), name.size());
    if (std::find(known.begin(), known.end(), said) == known.end())
      return wrong(what, " has unknown field '", said, "'");
  }
  return {};
}

/// The field's text; empty when it is not there.
Result<std::string> text_field(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string();
  if (const json::string* text = value->if_string()) return std::string(text->data(), text->size());
  return wrong("'", name, "' is not a string");
}

Result<std::vector<std::string>> text_list_field(const json::object& object, std::string_view name) {
  std::vector<std::string> out;
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return out;
  const json::array* array = value->if_array();
  if (array == nullptr) return wrong("'", name, "' is not a list");
  for (const json::value& entry : *array) {
    const json::string* text = entry.if_string();
    if (text == nullptr) return wrong("'", name, "' holds something that is not a string");
    out.emplace_back(text->data(), text->size());
  }
  return out;
}

Result<std::optional<std::uint64_t>> number_field(const json::object& object, std::string_view name,
                                                  std::uint64_t most) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::optional<std::uint64_t>();
  std::optional<std::uint64_t> number;
  if (const std::int64_t* given = value->if_int64(); given != nullptr && *given >= 0)
    number = static_cast<std::uint64_t>(*given);
  if (const std::uint64_t* given = value->if_uint64()) number = *given;
  if (!number || *number > most) return wrong("'", name, "' is not a whole number from 0 to ", most);
  return number;
}

Result<std::optional<unsigned>> errno_field(const json::object& object, std::string_view name) {
  const auto number = TRY(number_field(object, name, 4095));
  return number ? std::optional<unsigned>(static_cast<unsigned>(*number)) : std::nullopt;
}

Result<SeccompArg> parse_arg(const json::value& value) {
  const json::object* object = TRY(as_object(value, "an entry of 'args'"));
  TRY(only_fields(*object, {"index", "value", "valueTwo", "op"}, "an entry of 'args'"));
  SeccompArg out;
  const auto index = TRY(number_field(*object, "index", 5));
  const auto first = TRY(number_field(*object, "value", UINT64_MAX));
  const auto second = TRY(number_field(*object, "valueTwo", UINT64_MAX));
  out.op = TRY(text_field(*object, "op"));
  if (!index || out.op.empty()) return wrong("an entry of 'args' lacks 'index' or 'op'");
  out.index = static_cast<unsigned>(*index);
  out.value = first.value_or(0);
  out.value_two = second.value_or(0);
  return out;
}

Result<std::vector<SeccompArg>> parse_args(const json::object& rule) {
  std::vector<SeccompArg> out;
  const json::value* value = rule.if_contains("args");
  if (value == nullptr || value->is_null()) return out;
  const json::array* array = value->if_array();
  if (array == nullptr) return wrong("'args' is not a list");
  for (const json::value& entry : *array) {
    SeccompArg arg = TRY(parse_arg(entry));
    out.push_back(std::move(arg));
  }
  return out;
}

/// "5.8" → 5008. Tank itself needs 5.12 (mount_setattr), so what an older kernel would decide is decided.
Result<bool> kernel_is_at_least(const std::string& version) {
  constexpr int kOldest = 5012;
  const auto dot = version.find('.');
  const auto major = parse_integer<int>(version.substr(0, dot), 0, 999);
  const auto minor = parse_integer<int>(dot == std::string::npos ? "0" : version.substr(dot + 1), 0, 999);
  if (!major || !minor) return wrong("'minKernel' is not a version: '", version, "'");
  if (*major * 1000 + *minor <= kOldest) return true;
  return error(Kind::unsupported, "reading a seccomp profile: 'minKernel' ", version,
               " is newer than what Tank requires");
}

enum class Filter : std::uint8_t { includes, excludes };

/// Docker's includes (all must be met) or excludes (none may be).
Result<bool> passes(const json::object& rule, Filter filter, const Context& context) {
  const char* name = filter == Filter::includes ? "includes" : "excludes";
  const json::value* value = rule.if_contains(name);
  if (value == nullptr || value->is_null()) return true;
  const json::object* object = TRY(as_object(*value, name));
  TRY(only_fields(*object, {"caps", "arches", "minKernel"}, name));
  const auto capabilities = TRY(text_list_field(*object, "caps"));
  const auto architectures = TRY(text_list_field(*object, "arches"));
  const std::string kernel = TRY(text_field(*object, "minKernel"));
  const bool new_enough = kernel.empty() ? filter == Filter::includes : TRY(kernel_is_at_least(kernel));
  const auto held = [&](const std::string& capability) { return contains(context.capabilities, capability); };
  const bool this_machine = contains(architectures, context.architecture);
  if (filter == Filter::excludes) {
    return !this_machine && !new_enough && std::none_of(capabilities.begin(), capabilities.end(), held);
  }
  return (architectures.empty() || this_machine) && new_enough &&
         std::all_of(capabilities.begin(), capabilities.end(), held);
}

Result<std::optional<SeccompRule>> parse_rule(const json::value& value, const Context& context) {
  const json::object* object = TRY(as_object(value, "an entry of 'syscalls'"));
  TRY(only_fields(*object, {"name", "names", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes"},
                  "an entry of 'syscalls'"));
  SeccompRule out;
  out.names = TRY(text_list_field(*object, "names"));
  const std::string name = TRY(text_field(*object, "name"));
  if (!name.empty()) out.names.push_back(name);
  if (out.names.empty()) return wrong("an entry of 'syscalls' names none");
  out.action = TRY(text_field(*object, "action"));
  out.errno_ret = TRY(errno_field(*object, "errnoRet"));
  out.args = TRY(parse_args(*object));
  const bool included = TRY(passes(*object, Filter::includes, context));
  const bool not_excluded = TRY(passes(*object, Filter::excludes, context));
  return included && not_excluded ? std::optional<SeccompRule>(std::move(out)) : std::nullopt;
}

constexpr const char* native_token(std::string_view architecture) {
  if (architecture == "amd64") return "SCMP_ARCH_X86_64";
  return architecture == "arm64" ? "SCMP_ARCH_AARCH64" : "";
}

/// The archMap entry of this machine: the architecture and those it runs beside it.
Result<> add_mapped(const json::object& profile, const std::string& native, std::vector<std::string>& out) {
  const json::value* value = profile.if_contains("archMap");
  if (value == nullptr || value->is_null()) return {};
  const json::array* array = value->if_array();
  if (array == nullptr) return wrong("'archMap' is not a list");
  for (const json::value& entry : *array) {
    const json::object* object = TRY(as_object(entry, "an entry of 'archMap'"));
    TRY(only_fields(*object, {"architecture", "subArchitectures"}, "an entry of 'archMap'"));
    const std::string architecture = TRY(text_field(*object, "architecture"));
    const auto beside = TRY(text_list_field(*object, "subArchitectures"));
    if (architecture != native) continue;
    out.push_back(architecture);
    out.insert(out.end(), beside.begin(), beside.end());
  }
  return {};
}

/// Those of this machine; without any, its own. A profile that names only foreign ones would kill every call.
Result<std::vector<std::string>> parse_architectures(const json::object& profile, const Context& context) {
  const std::string native = native_token(context.architecture);
  if (native.empty())
    return error(Kind::unsupported, "no seccomp filters for architecture '", context.architecture, "'");
  std::vector<std::string> out;
  TRY(add_mapped(profile, native, out));
  const auto listed = TRY(text_list_field(profile, "architectures"));
  const bool arm = native == "SCMP_ARCH_AARCH64";
  const std::array<std::string_view, 3> ours =
      arm ? std::array<std::string_view, 3>{native, "SCMP_ARCH_ARM", ""}
          : std::array<std::string_view, 3>{native, "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
  for (const std::string& name : listed) {
    if (std::find(ours.begin(), ours.end(), name) != ours.end() && !contains(out, name)) out.push_back(name);
  }
  // libseccomp, too, always filters the native one.
  if (!contains(out, native)) out.push_back(native);
  return out;
}

Result<> refuse_what_needs_a_listener(const json::object& profile) {
  const std::string listener = TRY(text_field(profile, "listenerPath"));
  const auto flags = TRY(text_list_field(profile, "flags"));
  if (!listener.empty()) return error(Kind::unsupported, "reading a seccomp profile: 'listenerPath' is not supported");
  for (const std::string& flag : flags) {
    // One thread loads the filter, so there is nothing to synchronise.
    if (flag != "SECCOMP_FILTER_FLAG_TSYNC")
      return error(Kind::unsupported, "reading a seccomp profile: flag '", flag, "' is not supported");
  }
  return {};
}

Result<Seccomp> parse_profile(const json::object& profile, const Context& context) {
  TRY(only_fields(profile,
                  {"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "flags",
                   "listenerPath", "listenerMetadata", "syscalls"},
                  "the profile"));
  TRY(refuse_what_needs_a_listener(profile));
  Seccomp out;
  out.default_action = TRY(text_field(profile, "defaultAction"));
  if (out.default_action.empty()) return wrong("it has no 'defaultAction'");
  out.default_errno_ret = TRY(errno_field(profile, "defaultErrnoRet"));
  out.architectures = TRY(parse_architectures(profile, context));
  const json::value* value = profile.if_contains("syscalls");
  if (value == nullptr || value->is_null()) return out;
  const json::array* array = value->if_array();
  if (array == nullptr) return wrong("'syscalls' is not a list");
  for (const json::value& entry : *array) {
    std::optional<SeccompRule> rule = TRY(parse_rule(entry, context));
    if (rule) out.rules.push_back(*std::move(rule));
  }
  return out;
}

}  // namespace

Result<Seccomp> parse_seccomp_profile(std::string_view text, const std::vector<std::string>& capabilities,
                                      std::string_view architecture) {
  if (text.size() > kMostBytes) return wrong("it is larger than ", kMostBytes, " bytes");
  json::error_code failure;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), failure);
  if (failure) return wrong("it is not JSON: ", failure.message());
  const json::object* profile = TRY(as_object(document, "it"));
  return parse_profile(*profile, Context{capabilities, architecture});
}

}  // namespace tank::oci
