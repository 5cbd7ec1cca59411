// Step network: interfaces, addresses and routes in the pod's own network namespace.
#include "network/apply.h"
#include "runtime/steps.h"
#include "sys/namespace.h"

namespace tank::runtime {

Result<> network_up(BringUp& work) {
  if (work.pod.host_network) return {};
  const sys::NetnsFd netns = TRY(sys::open_netns(work.shim->pid()));
  return network::apply(work.network, netns);
}

/// Links in the pod's namespace went with it; what counts is one that was made and not yet moved.
Result<> network_down(const RecordContent& record) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < record.header.links; ++i) names.push_back(network::temporary_name(record.header.uid, i));
  return names.empty() ? Result<>{} : network::undo(names);
}

}  // namespace tank::runtime
