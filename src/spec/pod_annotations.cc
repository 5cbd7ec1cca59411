// tank/pids-limit speaks for every container and tank/pids-limit.NAME for one, whichever comes first in the file.
#include "spec/pod_annotations.h"

#include "base/parse.h"
#include "spec/nearest.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

constexpr std::string_view kOurs = "tank/";
constexpr std::string_view kPidsLimit = "tank/pids-limit";
constexpr std::string_view kInit = "tank/init";
constexpr std::int64_t kMaxPids = 4194304;  // the kernel's PID_MAX_LIMIT

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

std::optional<std::int64_t> read_pids_limit(const Annotation& annotation) {
  const auto limit = parse_integer<std::int64_t>(annotation.text, 1, kMaxPids);
  if (!limit)
    annotation.place.refuse("must be a whole number from 1 to ", kMaxPids, ", not ", in_quotes(annotation.text));
  return limit;
}

void limit_all(const Annotation& annotation, Pod& pod) {
  const auto limit = read_pids_limit(annotation);
  if (!limit) return;
  for (Container& container : pod.containers) {
    if (!container.resources.pids_limit) container.resources.pids_limit = limit;
  }
}

void limit_one(const Annotation& annotation, Pod& pod) {
  const auto limit = read_pids_limit(annotation);
  const std::string_view name = std::string_view(annotation.key).substr(kPidsLimit.size() + 1);
  Nearest nearest(name);
  for (Container& container : pod.containers) {
    nearest.consider(container.name);
    if (container.name != name) continue;
    container.resources.pids_limit = limit;
    return;
  }
  annotation.place.refuse("the pod has no container ", in_quotes(name), nearest.hint());
}

void read_init(const Annotation& annotation, Pod& pod) {
  if (annotation.text != "true" && annotation.text != "false") {
    annotation.place.refuse("must be \"true\" or \"false\", not ", in_quotes(annotation.text));
  }
  pod.init = annotation.text == "true";
}

bool is_for_one(const Annotation& annotation) {
  return starts_with(annotation.key, kPidsLimit) && annotation.key.substr(kPidsLimit.size(), 1) == ".";
}

void read_ours(const Annotation& annotation, Pod& pod) {
  if (annotation.key == kInit) return read_init(annotation, pod);
  if (annotation.key == kPidsLimit || is_for_one(annotation)) return;
  Nearest nearest(annotation.key);
  nearest.consider(kPidsLimit);
  nearest.consider(kInit);
  annotation.place.refuse("unknown annotation", nearest.hint());
}

}  // namespace

std::vector<Attachment> read_pod_annotations(const std::vector<Annotation>& annotations, Pod& pod) {
  std::vector<Attachment> out;
  for (const Annotation& annotation : annotations) {
    if (is_for_one(annotation)) limit_one(annotation, pod);
  }
  for (const Annotation& annotation : annotations) {
    if (annotation.key == kPidsLimit) limit_all(annotation, pod);
    if (starts_with(annotation.key, kOurs)) read_ours(annotation, pod);
    if (annotation.key == "v1.multus-cni.io/default-network") annotation.place.refuse("not supported yet");
    if (annotation.key != kNetworksAnnotation) continue;
    out = read_attachments(annotation, pod.name_space);
    if (pod.host_network && !out.empty())
      annotation.place.refuse("a pod with hostNetwork true cannot have networks of its own");
  }
  return out;
}

}  // namespace tank::spec
