// The part of the field tables that does not depend on what is being read.
#include "spec/fields.h"

namespace tank::spec {

namespace {

bool is_harmless(const Value& value, std::string_view harmless) {
  switch (value.form()) {
    case Form::null: return true;
    case Form::list: return value.entries().empty();
    case Form::map: return value.entries().empty() && harmless == "{}";
    case Form::plain: return !harmless.empty() && value.raw() == harmless;
    case Form::text: return value.raw() == harmless;
  }
  return false;
}

}  // namespace

void note_field(const Value& value, const Place& key, const FieldName& field) {
  switch (field.standing) {
    case Standing::ignored:
      if (!is_harmless(value, field.harmless)) key.warn("has no effect on a single machine");
      return;
    case Standing::unsupported:
      if (!is_harmless(value, field.harmless)) key.refuse("not supported yet");
      return;
    case Standing::silent:
    case Standing::optional:
    case Standing::required: return;
  }
}

}  // namespace tank::spec
