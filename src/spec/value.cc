// The rules for scalars are those of Kubernetes' JSON: a string field takes strings, a number field numbers, and YAML
// decides by the quotes which of the two a scalar is.
#include "spec/value.h"

#include "base/parse.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

std::string_view name_of(Form form) {
  switch (form) {
    case Form::null: return "null";
    case Form::plain:
    case Form::text: return "a scalar";
    case Form::list: return "a list";
    case Form::map: return "a map";
  }
  return "a value";
}

}  // namespace

std::optional<std::string> Value::text() const {
  if (!is_scalar()) {
    refuse("must be a string, not ", name_of(form()));
    return std::nullopt;
  }
  if (form() == Form::plain && meaning_of(raw()) != Meaning::string) {
    const std::string_view what = meaning_of(raw()) == Meaning::boolean ? "a boolean" : "a number";
    refuse("must be a string, but ", in_quotes(raw()), " without quotes is ", what, ": write \"", raw().substr(0, 40),
           "\"");
    return std::nullopt;
  }
  if (raw().find('\0') != std::string_view::npos) {
    refuse("must not contain a NUL character");
    return std::nullopt;
  }
  return std::string(raw());
}

std::optional<std::string> Value::text(const Syntax& syntax) const {
  auto letters = text();
  if (letters && !syntax.holds(*letters)) {
    refuse(syntax.rule, ", not ", in_quotes(*letters));
    return std::nullopt;
  }
  return letters;
}

std::optional<bool> Value::boolean() const {
  if (form() == Form::plain) {
    if (const auto value = boolean_of(raw())) return value;
  }
  if (is_scalar()) {
    refuse("must be true or false, not ", form() == Form::text ? "the string " : "", in_quotes(raw()));
  } else {
    refuse("must be true or false, not ", name_of(form()));
  }
  return std::nullopt;
}

std::optional<std::int64_t> Value::integer(std::int64_t least, std::int64_t most) const {
  if (!is_scalar()) {
    refuse("must be a whole number, not ", name_of(form()));
    return std::nullopt;
  }
  if (form() == Form::text) {
    refuse("must be a whole number, not the string ", in_quotes(raw()), ": write it without quotes");
    return std::nullopt;
  }
  // YAML 1.1 reads 010 as eight and people read it as ten.
  const bool leading_zero = raw().size() > 1 && raw().find_first_not_of('-') != std::string_view::npos &&
                            raw()[raw().find_first_not_of('-')] == '0' && raw() != "-0";
  if (leading_zero) {
    refuse("must be a whole number in decimal without leading zeros, not ", in_quotes(raw()));
    return std::nullopt;
  }
  const auto value = parse_integer<std::int64_t>(raw(), least, most);
  if (!value) refuse("must be a whole number from ", least, " to ", most, ", not ", in_quotes(raw()));
  return value;
}

std::optional<Id> Value::id() const {
  const auto value = integer(0, kMaxId);
  if (!value) return std::nullopt;
  return Id{static_cast<std::uint32_t>(*value)};
}

std::optional<IpAddress> Value::ip_address() const {
  const auto letters = text();
  if (!letters) return std::nullopt;
  const auto address = parse_ip_address(*letters);
  if (address) return *address;
  refuse("must be an IPv4 or IPv6 address, not ", in_quotes(*letters));
  return std::nullopt;
}

std::optional<IpPrefix> Value::ip_prefix() const {
  const auto letters = text();
  if (!letters) return std::nullopt;
  const auto prefix = parse_ip_prefix(*letters);
  if (prefix) return *prefix;
  refuse("must be an address with its prefix length, like 10.0.0.5/24, not ", in_quotes(*letters));
  return std::nullopt;
}

std::optional<MacAddress> Value::mac_address() const {
  const auto letters = text();
  if (!letters) return std::nullopt;
  const auto address = parse_mac_address(*letters);
  if (address) return *address;
  refuse("must be a unicast MAC address like 02:42:ac:11:00:02, not ", in_quotes(*letters));
  return std::nullopt;
}

std::vector<Value> Value::items() const {
  std::vector<Value> out;
  if (form() != Form::list) {
    refuse("must be a list, not ", name_of(form()));
    return out;
  }
  out.reserve(entries().size());
  for (std::size_t i = 0; i < entries().size(); ++i) {
    out.emplace_back(*entries()[i].value, item_path(path(), i), findings());
  }
  return out;
}

std::vector<std::string> Value::texts() const {
  static constexpr Syntax kAnything{[](std::string_view) { return true; }, {}};
  return texts(kAnything);
}

std::vector<std::string> Value::texts(const Syntax& syntax) const {
  std::vector<std::string> out;
  for (const Value& item : items()) {
    if (auto letters = item.text(syntax)) out.push_back(std::move(*letters));
  }
  return out;
}

bool Value::is_map() const {
  if (form() == Form::map) return true;
  refuse("must be a map of fields, not ", name_of(form()));
  return false;
}

std::string Value::member_path_of(const Entry& entry) const { return member_path(path(), entry.key); }

void Value::refuse_choice(std::string_view letters, std::string_view known) const {
  refuse("must be one of ", known, ", not ", in_quotes(letters));
}

}  // namespace tank::spec
