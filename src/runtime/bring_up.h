// The bring-up of one pod as a table of steps, and the runner that goes through it. Read kSteps in bring_up.cc aloud
// and you know how a pod comes to be; read it backwards and you know how it goes.
//
// `up` works with the living objects in BringUp. `down` works from the record alone, since undoing often happens in
// another process, later. Both directions note what they do in the record first.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/layout.h"
#include "cgroup/plan.h"
#include "network/plan.h"
#include "oci/config.h"
#include "rootfs/apply.h"
#include "runtime/record.h"
#include "shim/client.h"
#include "sys/event.h"
#include "tank/runtime.h"

namespace tank::runtime {

/// One container on its way up.
struct ContainerWork {
  const Container* container = nullptr;
  Image image;
  oci::Config config;
  shim::ContainerPlan plan;
  pid_t host_pid = 0;
  sys::Fd terminal;
  std::optional<Error> failure;  ///< it could not be started, while others could
};

/// Everything the steps hand on to each other.
struct BringUp {
  BringUp(const Pod& the_pod, const RuntimeOptions& the_options, Record& the_record, const sys::EventFd& the_wake,
          std::stop_token the_cancel)
      : pod(the_pod), options(the_options), record(the_record), wake(the_wake), cancel(std::move(the_cancel)) {}

  const Pod& pod;
  const RuntimeOptions& options;
  Record& record;
  const sys::EventFd& wake;  ///< raised when somebody asks to stop
  std::stop_token cancel;

  std::vector<ContainerWork> containers;
  std::vector<rootfs::HeldMount> held_mounts;  ///< for the shim to attach in its own mount namespace
  network::Plan network;
  cgroup::Layout layout;
  cgroup::Plan cgroup;
  std::optional<shim::Client> shim;
  std::vector<shim::Notice> early_ends;  ///< terminal notices that came while others were still starting
};

struct Step {
  std::string_view name;
  Result<> (*up)(BringUp&);
  Result<> (*down)(const RecordContent&);
};

/// In order of the bring-up.
std::span<const Step> steps();

/// Runs every step up to the first that fails; what was begun stands in the record, for take_down().
Result<> bring_up(BringUp& work);

/// Undoes every step the record says was begun, the last first; what fails does not stop the others and stays in the
/// record for the next try. With no error the run directory is removed too.
std::vector<Error> take_down(Record& record, const std::function<void(const StepTiming&)>& on_step);

}  // namespace tank::runtime
