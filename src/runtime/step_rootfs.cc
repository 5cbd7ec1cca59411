// Step rootfs: what each container is to be, decided and written down, and the directories and files that takes.
#include "network/hosts.h"
#include "network/observe.h"
#include "network/resolver.h"
#include "oci/command.h"
#include "oci/lower.h"
#include "oci/seccomp.h"
#include "rootfs/apply.h"
#include "rootfs/observe.h"
#include "rootfs/user_files.h"
#include "runtime/exec_context.h"
#include "runtime/steps.h"
#include "sys/file.h"

namespace tank::runtime {

namespace {

rootfs::Directories directories(const RecordHeader& header) {
  return {header.data_dir, pods_dir(header.run_dir) / header.uid, header.uid};
}

Result<oci::Config> lower(const BringUp& work, const ContainerWork& up, const rootfs::ContainerFiles& files,
                          const oci::HostFacts& host) {
  const oci::UserFiles users = TRY(rootfs::read_user_files(up.image.layers));
  const std::string profile = TRY(rootfs::read_seccomp_profile(*up.container));
  const oci::LowerInput input{
      .pod = work.pod,
      .container = *up.container,
      .image = up.image.config,
      .users = users,
      .host = host,
      .root_path = files.root,
      .mounts = files.mounts,
      .hostname = network::hostname_of(work.pod),
      .cgroups_path = concat("/tank/", work.record.content().header.uid, "/", up.container->name),
      .seccomp_profile = profile,
  };
  return oci::lower(input);
}

/// What the shim is told of a container, but for the descriptors it gets with it.
Result<shim::ContainerPlan> plan_container(const BringUp& work, const ContainerWork& up,
                                           const rootfs::ContainerFiles& files) {
  shim::ContainerPlan plan;
  plan.name = up.container->name;
  plan.config = up.config;
  plan.overlay = {up.image.layers, files.upper, files.work};
  if (up.config.linux_.seccomp) plan.seccomp = TRY(oci::compile_seccomp(*up.config.linux_.seccomp));
  plan.init = work.pod.init;
  plan.stop_signal = TRY(oci::parse_signal(up.image.config.stop_signal));
  plan.grace = work.pod.termination_grace;
  return plan;
}

}  // namespace

Result<> rootfs_up(BringUp& work) {
  const RecordHeader& header = work.record.content().header;
  const network::HostFacts facts = TRY(network::observe_host());
  work.network = TRY(network::plan(work.pod, header.uid, facts));
  const rootfs::EtcFiles etc{network::hosts_file(work.pod, facts), network::hostname_file(work.pod),
                             network::resolv_conf(work.pod, facts)};
  std::vector<Image> images;
  for (const ContainerWork& up : work.containers) images.push_back(up.image);
  const rootfs::Plan plan = TRY(rootfs::plan(work.pod, images, directories(header), etc));
  const oci::HostFacts host = TRY(rootfs::observe_host(work.pod));
  for (std::size_t i = 0; i < work.containers.size(); ++i) {
    ContainerWork& up = work.containers[i];
    up.config = TRY(lower(work, up, plan.containers[i], host));
    up.plan = TRY(plan_container(work, up, plan.containers[i]).while_doing("container '", up.container->name, "'"));
  }
  work.held_mounts = TRY(rootfs::apply(plan));
  for (const ContainerWork& up : work.containers) {
    const std::filesystem::path path = config_path(work.record.directory(), up.container->name);
    TRY(sys::ensure_dir(path.parent_path(), 0700));
    TRY(sys::replace_file(path, oci::to_json(up.config), 0600, sys::Durable::no));
  }
  return {};
}

Result<> rootfs_down(const RecordContent& record) { return rootfs::undo(directories(record.header)); }

}  // namespace tank::runtime
