#include "image/pause.h"

#include <condition_variable>
#include <mutex>

namespace tank::image {

Result<> pause_for(std::chrono::milliseconds delay, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, delay, [] { return false; });
  if (stop.stop_requested()) return error(Kind::aborted, "asked to stop");
  return {};
}

}  // namespace tank::image
