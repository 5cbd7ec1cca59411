// Fields of core/v1 ResourceRequirements. Only cpu and memory are enforced on one machine today.
#include "spec/resources.h"

#include "spec/fields.h"
#include "spec/quantity.h"

namespace tank::spec {

namespace {

struct Amounts {
  std::optional<Millicores> cpu;
  std::optional<Bytes> memory;
  Place cpu_place;
  Place memory_place;
};

constexpr Field<Amounts> kAmountFields[] = {
    optional<Amounts>("cpu",
                      [](const Value& v, Amounts& a) {
                        a.cpu_place = v;
                        a.cpu = read_millicores(v);
                      }),
    optional<Amounts>("memory",
                      [](const Value& v, Amounts& a) {
                        a.memory_place = v;
                        a.memory = read_bytes(v);
                      }),
    {{"ephemeral-storage", Standing::unsupported, "0"}},
    {{"hugepages-64Ki", Standing::unsupported, "0"}},
    {{"hugepages-2Mi", Standing::unsupported, "0"}},
    {{"hugepages-1Gi", Standing::unsupported, "0"}},
};

struct Draft {
  Amounts limits;
  Amounts requests;
};

constexpr Field<Draft> kResourceFields[] = {
    optional<Draft>("limits", [](const Value& v, Draft& d) { read_fields(v, kAmountFields, d.limits); }),
    optional<Draft>("requests", [](const Value& v, Draft& d) { read_fields(v, kAmountFields, d.requests); }),
    {{"claims", Standing::unsupported, {}}},
};

template <typename Amount>
void settle(const std::optional<Amount>& limit, const std::optional<Amount>& request, const Place& place,
            std::optional<Amount>& out_limit, std::optional<Amount>& out_request) {
  if (limit && request && *request > *limit) place.refuse("the request must not exceed the limit");
  if (limit && limit->count > 0) out_limit = limit;
  out_request = request ? request : out_limit;
}

}  // namespace

void read_resources(const Value& value, Resources& resources) {
  Draft draft;
  read_fields(value, kResourceFields, draft);
  settle(draft.limits.cpu, draft.requests.cpu, draft.requests.cpu_place, resources.cpu_limit, resources.cpu_request);
  settle(draft.limits.memory, draft.requests.memory, draft.requests.memory_place, resources.memory_limit,
         resources.memory_request);
}

}  // namespace tank::spec
