// Steps sandbox and proceed: the shim with every container parked at the checkpoint, and then past it.
#include <algorithm>

#include "cgroup/apply.h"
#include "network/hosts.h"
#include "runtime/notice.h"
#include "runtime/steps.h"
#include "sys/proc.h"
#include "sys/program.h"

namespace tank::runtime {

namespace {

using Type = shim::Notice::Type;

shim::PodPlan pod_plan(const BringUp& work) {
  shim::PodPlan plan;
  plan.name = to_string_key(work.pod);
  plan.network = work.pod.host_network ? shim::Share::host : shim::Share::fresh;
  plan.hostname = network::hostname_of(work.pod);
  plan.on_owner_loss =
      work.options.owner_loss == OwnerLoss::end_pod ? shim::OnOwnerLoss::end_pod : shim::OnOwnerLoss::wait;
  for (const rootfs::HeldMount& held : work.held_mounts) plan.held.push_back({held.path, held.mount.get()});
  return plan;
}

Result<std::filesystem::path> find_shim(const RuntimeOptions& options) {
  if (!options.shim.empty()) return options.shim;
  return sys::beside_this_program("tank-shim");
}

/// Hands one container to the shim. The descriptors it is given live until the message is sent.
Result<> create(BringUp& work, ContainerWork& container, const cgroup::LeafPlan& leaf_plan) {
  const cgroup::Leaf leaf = TRY(cgroup::open_leaf(leaf_plan));
  container.plan.cgroup = leaf.unified.get();
  for (const sys::Fd& procs : leaf.v1_procs) container.plan.cgroup_procs.push_back(procs.get());
  if (work.options.stdio) {
    const Stdio stdio = work.options.stdio(*container.container);
    container.plan.stdio[0] = stdio.in;
    container.plan.stdio[1] = stdio.out;
    container.plan.stdio[2] = stdio.err;
  }
  return work.shim->create(container.plan);
}

ContainerWork* find(BringUp& work, const std::string& name) {
  const auto found = std::find_if(work.containers.begin(), work.containers.end(),
                                  [&](const ContainerWork& one) { return one.container->name == name; });
  return found == work.containers.end() ? nullptr : &*found;
}

}  // namespace

Result<> sandbox_up(BringUp& work) {
  const std::filesystem::path binary = TRY(find_shim(work.options));
  work.shim = TRY(shim::Client::spawn(binary, work.record.directory() / kSocketName, pod_plan(work)));
  const std::uint64_t started = TRY(sys::start_time(work.shim->pid()));
  TRY(work.record.note_shim({work.shim->pid(), started}));
  for (std::size_t i = 0; i < work.containers.size(); ++i) {
    TRY(create(work, work.containers[i], work.cgroup.leaves[i])
            .while_doing("container '", work.containers[i].container->name, "'"));
  }
  std::size_t parked = 0;
  while (parked < work.containers.size()) {
    shim::Notice notice = TRY(next_notice(work, OnStop::abort));
    ContainerWork* container = find(work, notice.container);
    if (!container) return error(Kind::bug, "the shim speaks of an unknown container '", notice.container, "'");
    if (notice.type != Type::ready) return to_error(notice);
    container->host_pid = notice.host_pid;
    if (notice.terminal) container->terminal = std::move(*notice.terminal);
    ++parked;
  }
  return {};
}

/// The containers die with their shim (parent-death signal); the cgroup step kills what may be left of them.
Result<> sandbox_down(const RecordContent& record) {
  if (!record.shim) return {};
  const Result<sys::PidFd> process = sys::open_process(record.shim->pid, record.shim->started);
  if (!process) return process.error().kind() == Kind::not_found ? Result<>{} : Result<>(process.error());
  TRY(sys::kill_process(*process));
  const auto ended = TRY(sys::wait_readable({process->get()}, kPatienceWithDying));
  if (!ended[0]) return error(Kind::timeout, "waiting for shim ", record.shim->pid, " to die");
  return {};
}

Result<> proceed_up(BringUp& work) {
  for (const ContainerWork& container : work.containers) TRY(work.shim->proceed(container.container->name));
  std::size_t settled = 0;
  std::size_t running = 0;
  while (settled < work.containers.size()) {
    shim::Notice notice = TRY(next_notice(work, OnStop::go_on));
    ContainerWork* container = find(work, notice.container);
    if (!container) return error(Kind::bug, "the shim speaks of an unknown container '", notice.container, "'");
    if (notice.type == Type::exited || notice.type == Type::signaled) {
      work.early_ends.push_back(std::move(notice));
      continue;
    }
    ++settled;
    if (notice.type == Type::running) {
      ++running;
    } else {
      container->failure = to_error(notice);
    }
  }
  // As long as one container runs the pod lives, and the others' failures are theirs alone.
  if (running == 0) return *work.containers.front().failure;
  return {};
}

/// The processes go with the sandbox, whose turn is later.
Result<> proceed_down(const RecordContent&) { return {}; }

}  // namespace tank::runtime
