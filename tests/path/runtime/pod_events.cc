#include "pod_events.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>

namespace tank::test {

namespace json = boost::json;

std::vector<json::object> events_of(std::string_view err) {
  std::vector<json::object> events;
  while (!err.empty()) {
    const std::size_t end = std::min(err.find('\n'), err.size());
    json::error_code problem;
    const json::value line = json::parse(json::string_view(err.data(), end), problem);
    if (!problem && line.is_object()) events.push_back(line.get_object());
    err.remove_prefix(std::min(end + 1, err.size()));
  }
  return events;
}

std::vector<json::object> events_of(std::string_view err, std::string_view name) {
  std::vector<json::object> events = events_of(err);
  std::erase_if(events, [&](const json::object& event) {
    const json::string& found = event.at("event").as_string();
    return std::string_view(found.data(), found.size()) != name;
  });
  return events;
}

pid_t wait_running(Child& tank) {
  // The end of a line behind the word, so that the pid is whole.
  const auto err = tank.wait_for_output(Child::Stream::err, "\"event\":\"running\"", std::chrono::seconds(20));
  const std::vector<json::object> running = events_of(err.value_or(""), "running");
  if (running.empty()) throw std::runtime_error("the pod did not come up: " + to_string(tank.finish({})));
  return static_cast<pid_t>(running.front().at("pid").as_int64());
}

pid_t parent_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; file >> word;) {
    if (word != "PPid:") continue;
    pid_t parent = 0;
    file >> parent;
    return parent;
  }
  return 0;
}

}  // namespace tank::test
