// By hand: brings a pod of one container up and down many times and prints what each part took, in microseconds.
// driver [ROUNDS] [host]: with "host" the pod shares the host's network, ipc and uts namespaces.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernel/shim/rig.h"
#include "sys/file.h"

namespace {

using namespace tank;
using namespace tank::shim;
using Clock = std::chrono::steady_clock;

Notice must_hear(Client& client, Notice::Type type) {
  auto notice = client.receive(std::chrono::seconds(5));
  if (!notice || !*notice || (*notice)->type != type) {
    std::printf("wrong answer: %s %s\n", notice && *notice ? (*notice)->step.c_str() : "none",
                notice && *notice ? (*notice)->text.c_str() : "");
    std::exit(1);
  }
  return std::move(**notice);
}

template <typename Action>
void timed(std::vector<double>& times, const Action& action) {
  const auto start = Clock::now();
  action();
  times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
}

void print(const char* part, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  std::printf("%-20s least %6.0f  a tenth below %6.0f  median %6.0f\n", part, times.front(), times[times.size() / 10],
              times[times.size() / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 50;
  test::Scratch scratch;
  const auto root = scratch.path() / "root";
  test::make_root(root);
  std::filesystem::create_directory(scratch.path() / "merged");
  PodPlan pod;
  pod.name = "default/driver";
  if (argc > 2 && std::strcmp(argv[2], "host") == 0) pod.network = pod.ipc = pod.uts = Share::host;
  std::vector<double> spawn, ready, running, ended, gone, all;
  for (int round = 0; round < rounds; ++round) {
    const auto base = scratch.path() / std::to_string(round);
    std::filesystem::create_directories(base / "upper");
    std::filesystem::create_directories(base / "work");
    ContainerPlan plan;
    plan.name = "main";
    plan.config = test::standard_config({"payload", "exit", "0"});
    plan.config.root.path = scratch.path() / "merged";
    plan.overlay = {{root}, base / "upper", base / "work"};
    timed(all, [&] {
      std::optional<Client> client;
      timed(spawn, [&] { client.emplace(std::move(*Client::spawn(test::shim_program(), base / "sock", pod))); });
      timed(ready, [&] {
        (void)client->create(plan);
        must_hear(*client, Notice::Type::ready);
      });
      timed(running, [&] {
        (void)client->proceed("main");
        must_hear(*client, Notice::Type::running);
      });
      timed(ended, [&] { must_hear(*client, Notice::Type::exited); });
      timed(gone, [&] {
        (void)client->dismiss();
        (void)client->reap();
      });
    });
  }
  print("spawn", spawn);
  print("create to ready", ready);
  print("proceed to running", running);
  print("running to exited", ended);
  print("dismiss", gone);
  print("all", all);
}
