// An owner of one pod that something happens to. Brings up the first pod of a manifest through libtank and, at a named
// moment of the bring-up, fails, dies, or kills the shim or the container. The fault tests run it as a program of its
// own, since half of the faults end it.
//
//   pod_owner MANIFEST DATA_DIR RUN_DIR SHIM FAULT [STEP [begin|up]]
//   FAULT: none, fail, kill-owner, kill-shim, kill-container
//
// Prints one line per event and "stopped: …"; exits 0 when the Runtime could be started.
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "tank/manifest.h"
#include "tank/runtime.h"

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The shim's pid as the record has it, or 0.
pid_t shim_pid(const std::string& run_dir, const std::string& uid) {
  std::istringstream lines(read(run_dir + "/pods/" + uid + "/record"));
  pid_t pid = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find("\"shim\":");
    if (at != std::string::npos) pid = std::atoi(line.c_str() + at + 7);
  }
  return pid;
}

/// The first child of the shim: the container's pid 1. 0 when there is none yet.
pid_t container_pid(pid_t shim) {
  const std::string pid = std::to_string(shim);
  return std::atoi(read("/proc/" + pid + "/task/" + pid + "/children").c_str());
}

struct Fault {
  std::string what;
  std::string step;
  std::string moment;
};

void strike(const Fault& fault, const std::string& run_dir) {
  if (fault.what == "kill-owner") ::raise(SIGKILL);
  const pid_t shim = shim_pid(run_dir, "fault");
  const pid_t victim = fault.what == "kill-shim" ? shim : (shim > 0 ? container_pid(shim) : 0);
  if (victim > 1) {
    std::cout << "killing " << victim << std::endl;
    ::kill(victim, SIGKILL);
  }
}

struct Words {
  std::string operator()(const tank::Running&) const { return "running"; }
  std::string operator()(const tank::Exited& exited) const { return "exited " + std::to_string(exited.code); }
  std::string operator()(const tank::Signaled& one) const { return "signaled " + std::to_string(one.signum); }
  std::string operator()(const tank::Failed& failed) const { return "failed " + tank::to_string(failed.error); }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  const std::string run_dir = argv[3];
  const Fault fault{argv[5], argc > 6 ? argv[6] : "", argc > 7 ? argv[7] : "up"};
  const tank::Manifest manifest = tank::parse_manifests(read(argv[1]), argv[1]);
  for (const tank::Finding& finding : manifest.errors) std::cerr << tank::to_string(finding) << '\n';
  if (manifest.pods.empty()) return 2;

  tank::RuntimeOptions options;
  options.uid = "fault";
  options.data_dir = argv[2];
  options.run_dir = run_dir;
  options.shim = argv[4];
  options.owner = [](const tank::Event& event) {
    std::cout << "event " << event.container << ' ' << std::visit(Words{}, event.what) << std::endl;
  };
  options.on_step = [&](const tank::StepTiming& step) {
    if (step.step != fault.step) return;
    const bool now = fault.moment == "begin" ? step.phase == tank::StepTiming::Phase::begin
                                             : step.phase == tank::StepTiming::Phase::up;
    if (now) strike(fault, run_dir);
  };
  options.veto = [&](std::string_view step) -> tank::Result<> {
    if (fault.what == "fail" && step == fault.step) return tank::error(tank::Kind::bug, "made to fail");
    return {};
  };
  const auto runtime = tank::Runtime::start(manifest.pods.front(), options);
  if (!runtime) {
    std::cerr << tank::to_string(runtime.error()) << '\n';
    return 1;
  }
  std::cout << "stopped: " << tank::to_string((*runtime)->wait()) << std::endl;
  return 0;
}
