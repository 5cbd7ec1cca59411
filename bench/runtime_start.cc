// How long a living process waits for a pod: Runtime::start until the event Running, and until the Runtime has taken
// everything down. The image must be cached; compare with bench_floor's exec_us.
//
// usage: bench_runtime_start IMAGE DATA_DIR RUN_DIR SHIM ROUNDS; prints {"running_us": […], "end_us": […], "steps_us":
// {"image": […], …}}.
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tank/runtime.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Times {
  std::vector<long> running;
  std::vector<long> end;
  std::map<std::string, std::vector<long>> steps;
};

long since(Clock::time_point begin) {
  return static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count());
}

tank::Pod pod_of(const std::string& image) {
  tank::Container container;
  container.name = "true";
  container.image = image;
  container.pull_policy = tank::PullPolicy::never;
  container.command = {"/bin/true"};
  tank::Pod pod;
  pod.name = "bench";
  pod.containers = {container};
  pod.restart_policy = tank::RestartPolicy::never;
  return pod;
}

/// One pod, up and down again; false when it did not run.
bool run_once(const tank::Pod& pod, tank::RuntimeOptions options, Times& times) {
  long running = -1;
  const auto begin = Clock::now();
  // Both are called on the Runtime's thread, which has ended its work when wait() returns.
  options.owner = [&](const tank::Event& event) {
    if (std::holds_alternative<tank::Running>(event.what)) running = since(begin);
  };
  options.on_step = [&](const tank::StepTiming& timing) {
    if (timing.phase == tank::StepTiming::Phase::up) times.steps[timing.step].push_back(timing.took.count());
  };
  auto runtime = tank::Runtime::start(pod, std::move(options));
  if (!runtime) {
    std::fprintf(stderr, "bench_runtime_start: %s\n", to_string(runtime.error()).c_str());
    return false;
  }
  const tank::StopReason reason = (*runtime)->wait();
  runtime->reset();
  times.end.push_back(since(begin));
  times.running.push_back(running);
  if (std::holds_alternative<tank::Normal>(reason) && running >= 0) return true;
  std::fprintf(stderr, "bench_runtime_start: the pod %s\n", to_string(reason).c_str());
  return false;
}

std::string list_of(const std::vector<long>& numbers) {
  std::string text;
  for (const long number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return "[" + text + "]";
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  const char* number = argc == 6 ? argv[5] : "";
  if (std::from_chars(number, number + std::strlen(number), count).ec != std::errc() || count < 1) {
    std::fprintf(stderr, "usage: bench_runtime_start IMAGE DATA_DIR RUN_DIR SHIM ROUNDS\n");
    return 2;
  }
  tank::RuntimeOptions options;
  options.data_dir = argv[2];
  options.run_dir = argv[3];
  options.shim = argv[4];
  Times times;
  for (int i = 0; i < count; ++i) {
    if (!run_once(pod_of(argv[1]), options, times)) return 1;
  }
  std::string steps;
  for (const auto& [name, took] : times.steps) {
    steps += (steps.empty() ? "\"" : ", \"") + name + "\": " + list_of(took);
  }
  std::printf("{\"running_us\": %s, \"end_us\": %s, \"steps_us\": {%s}}\n", list_of(times.running).c_str(),
              list_of(times.end).c_str(), steps.c_str());
  return 0;
}
