#include "cli/events.h"

#include <unistd.h>

#include <boost/json.hpp>

namespace tank::cli {

namespace json = boost::json;

namespace {

struct AddTo {
  json::object& line;
  void operator()(const Running& running) const {
    line["event"] = "running";
    line["pid"] = running.host_pid;
  }
  void operator()(const Exited& exited) const {
    line["event"] = "exited";
    line["code"] = exited.code;
  }
  void operator()(const Signaled& signaled) const {
    line["event"] = "signaled";
    line["signal"] = signaled.signum;
    line["oom_killed"] = signaled.oom_killed;
  }
  void operator()(const Failed& failed) const {
    line["event"] = "failed";
    line["kind"] = to_string(failed.error.kind());
    line["error"] = to_string(failed.error);
  }
};

std::string_view name_of(StepTiming::Phase phase) {
  switch (phase) {
    case StepTiming::Phase::begin: return "begin";
    case StepTiming::Phase::up: return "up";
    case StepTiming::Phase::down: return "down";
  }
  return "begin";
}

}  // namespace

std::string to_json_line(const Event& event) {
  json::object line{{"event", ""}, {"pod", event.pod}};
  if (!event.container.empty()) line["container"] = event.container;
  std::visit(AddTo{line}, event.what);
  return json::serialize(line);
}

std::string to_json_line(const std::string& pod, const StepTiming& step) {
  json::object line{{"event", "step"}, {"pod", pod}, {"step", step.step}, {"phase", name_of(step.phase)}};
  if (step.phase != StepTiming::Phase::begin) line["us"] = step.took.count();
  return json::serialize(line);
}

void print_line(std::string line) {
  line += '\n';
  // One write(2) of less than PIPE_BUF stays in one piece (pipe(7)).
  [[maybe_unused]] const ssize_t done = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace tank::cli
