// A complete program that embeds Tank: reads a manifest, brings its first pod up, prints what happens to it, and ends
// with the pod. Ctrl-C is left to the default here: the shim sees its owner vanish and ends the pod by itself.
//
//   embed MANIFEST DATA_DIR RUN_DIR
#include <fstream>
#include <iostream>
#include <iterator>

#include "tank/manifest.h"
#include "tank/runtime.h"

namespace {

struct Words {
  std::string operator()(const tank::Running& running) const {
    return "running, pid " + std::to_string(running.host_pid);
  }
  std::string operator()(const tank::Exited& exited) const { return "exited " + std::to_string(exited.code); }
  std::string operator()(const tank::Signaled& signaled) const {
    return "killed by signal " + std::to_string(signaled.signum) + (signaled.oom_killed ? ", out of memory" : "");
  }
  std::string operator()(const tank::Failed& failed) const { return "failed: " + tank::to_string(failed.error); }
};

void print_event(const tank::Event& event) {
  std::cout << "event: " << event.pod << (event.container.empty() ? "" : "/") << event.container << ": "
            << std::visit(Words{}, event.what) << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: embed MANIFEST DATA_DIR RUN_DIR\n";
    return 2;
  }
  std::ifstream file(argv[1]);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const tank::Manifest manifest = tank::parse_manifests(text, argv[1]);
  for (const tank::Finding& finding : manifest.errors) std::cerr << tank::to_string(finding) << '\n';
  if (manifest.pods.empty()) return 2;

  tank::RuntimeOptions options;
  options.owner = print_event;
  options.data_dir = argv[2];
  options.run_dir = argv[3];
  const auto runtime = tank::Runtime::start(manifest.pods.front(), options);
  if (!runtime) {
    std::cerr << tank::to_string(runtime.error()) << '\n';
    return 1;
  }
  const tank::StopReason reason = (*runtime)->wait();
  std::cout << "stopped: " << tank::to_string(reason) << std::endl;
  return std::holds_alternative<tank::Normal>(reason) ? 0 : 1;
}
