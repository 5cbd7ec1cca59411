#include "runtime/bring_up.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "runtime/steps.h"

namespace tank::runtime {

namespace {

constexpr Step kSteps[] = {
    {"image", image_up, image_down},        // every image stands unpacked on this machine
    {"rootfs", rootfs_up, rootfs_down},     // scratch directories, /etc files, volumes, config.json
    {"cgroup", cgroup_up, cgroup_down},     // the pod's cgroup and a leaf for each container
    {"sandbox", sandbox_up, sandbox_down},  // the shim, and every container parked at the checkpoint
    {"network", network_up, network_down},  // interfaces in the pod's network namespace
    {"limits", limits_up, limits_down},     // what the containers may use
    {"proceed", proceed_up, proceed_down},  // past the checkpoint: execve
};

std::chrono::microseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
}

Result<> run(const Step& step, BringUp& work) {
  const auto tell = [&](StepTiming::Phase phase, std::chrono::microseconds took) {
    if (work.options.on_step) work.options.on_step({std::string(step.name), phase, took});
  };
  if (work.cancel.stop_requested()) return error(Kind::aborted, "stopped before it was up");
  TRY(work.record.begin(step.name));
  tell(StepTiming::Phase::begin, {});
  const auto start = std::chrono::steady_clock::now();
  TRY(step.up(work));
  const auto took = since(start);
  TRY(work.record.finish(step.name));
  tell(StepTiming::Phase::up, took);
  if (work.options.veto) TRY(work.options.veto(step.name));
  return {};
}

}  // namespace

std::span<const Step> steps() { return kSteps; }

Result<> bring_up(BringUp& work) {
  for (const Step& step : kSteps) {
    const Result<> done = run(step, work).while_doing(step.name);
    if (!done) return done;
  }
  return {};
}

std::vector<Error> take_down(Record& record, const std::function<void(const StepTiming&)>& on_step) {
  std::vector<Error> errors;
  for (auto step = std::rbegin(kSteps); step != std::rend(kSteps); ++step) {
    const std::vector<std::string>& begun = record.content().begun;
    if (std::find(begun.begin(), begun.end(), step->name) == begun.end()) continue;
    const auto start = std::chrono::steady_clock::now();
    const Result<> down = step->down(record.content());
    // A record that cannot be written to (a full disk) only makes the next undoing do the same again.
    if (down) [[maybe_unused]]
      const Result<> noted = record.undone(step->name);
    if (!down) errors.push_back(Error(down.error()).while_doing(concat("undoing ", step->name)));
    if (on_step) on_step({std::string(step->name), StepTiming::Phase::down, since(start)});
  }
  if (!errors.empty()) return errors;
  if (Result<> removed = record.remove(); !removed) errors.push_back(std::move(removed.error()));
  return errors;
}

}  // namespace tank::runtime
