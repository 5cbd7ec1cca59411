// Steps cgroup and limits: the pod's cgroup with a leaf per container, and what each may use.
#include "cgroup/apply.h"

#include "runtime/steps.h"

namespace tank::runtime {

Result<> cgroup_up(BringUp& work) {
  work.layout = TRY(cgroup::observe_layout());
  std::vector<std::pair<std::string, oci::Resources>> leaves;
  for (const ContainerWork& container : work.containers) {
    leaves.emplace_back(container.container->name, container.config.linux_.resources);
  }
  work.cgroup = TRY(cgroup::plan(work.layout, work.record.content().header.uid, leaves));
  return cgroup::create(work.cgroup);
}

Result<> cgroup_down(const RecordContent& record) {
  const cgroup::Layout layout = TRY(cgroup::observe_layout());
  return cgroup::remove(layout, record.header.uid);
}

Result<> limits_up(BringUp& work) {
  for (const cgroup::LeafPlan& leaf : work.cgroup.leaves) {
    TRY(cgroup::apply_limits(leaf));
  }
  return {};
}

/// Limits go with the cgroup they are written in.
Result<> limits_down(const RecordContent&) { return {}; }

}  // namespace tank::runtime
