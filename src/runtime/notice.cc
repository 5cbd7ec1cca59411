#include "runtime/notice.h"

#include <cerrno>

namespace tank::runtime {

namespace {

/// Mounts may wait for slow disks, and nothing else before the checkpoint waits for anything.
constexpr std::chrono::milliseconds kPatience{120'000};

}  // namespace

Error to_error(const shim::Notice& notice) {
  const std::string sentence = concat("container '", notice.container, "': ", notice.text);
  if (notice.type == shim::Notice::Type::aborted) return Error(Kind::aborted, sentence);
  if (notice.step == "exec") {
    const bool missing = notice.value == ENOENT || notice.value == ENOTDIR;
    return Error(missing ? Kind::no_command : Kind::not_executable, notice.value, sentence);
  }
  return Error(Error::from_errno(notice.value, "").kind(), notice.value, sentence);
}

Result<shim::Notice> next_notice(BringUp& work, OnStop on_stop) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    std::optional<shim::Notice> notice = TRY(work.shim->receive(std::chrono::milliseconds(0)));
    if (notice) return std::move(*notice);
    const bool listens = on_stop == OnStop::abort;
    if (listens && work.cancel.stop_requested()) return error(Kind::aborted, "stopped before it was up");
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return error(Kind::timeout, "waiting for the shim");
    TRY(sys::wait_readable({work.shim->channel().get(), listens ? work.wake.get() : -1}, left));
  }
}

}  // namespace tank::runtime
