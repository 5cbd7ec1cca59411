// Carries what containers write to our own stdout and stderr, and what we read on stdin to the container that wants it.
// One thread; lines get the container's name in front when several speak.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sys/event.h"
#include "sys/fd.h"
#include "tank/result.h"

namespace tank::cli {

class Relay {
 public:
  static Result<std::unique_ptr<Relay>> create();
  Relay(Relay&&) = delete;
  ~Relay();

  /// From a container to descriptor `to` (1 or 2, borrowed). A prefix makes it line by line. Any thread.
  void add_output(sys::Fd from, int to, std::string prefix);
  /// Our stdin to a container, until either side ends. Any thread; only the first one counts.
  void add_input(sys::Fd to);
  /// Nothing more will be added: wait until every output came to its end.
  void finish();

 private:
  struct Output {
    sys::Fd from;
    int to = 1;
    std::string prefix;
    std::string partial;  ///< a line begun
  };

  explicit Relay(sys::EventFd wake);
  void run();
  bool take_news();
  bool pump(Output& output);
  void read_input();
  void write_input();

  sys::EventFd wake_;
  std::mutex mutex_;  ///< guards added_, added_input_ and finishing_
  std::vector<Output> added_;
  sys::Fd added_input_;
  bool finishing_ = false;
  std::vector<Output> outputs_;  ///< own thread only, as input_
  sys::Fd input_;
  std::string unwritten_;  ///< read from our stdin, and not yet taken by the container
  std::thread thread_;
};

}  // namespace tank::cli
