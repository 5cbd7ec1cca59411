// Pods in the foreground: their output on ours, our signals to them, and the exit code that comes of it.
#pragma once

#include <filesystem>
#include <vector>

#include "tank/image.h"
#include "tank/pod.h"

namespace tank::cli {

enum class Events : std::uint8_t { no, yes };

struct ForegroundOptions {
  std::filesystem::path data_dir;
  std::filesystem::path run_dir;
  PullOptions image;
  Events events = Events::no;
};

/// Runs them all until the last has ended. SIGINT, SIGTERM and SIGHUP stop them gracefully, a second one at once. The
/// exit code is that of the first container of the first pod: its own, 128+n, or 125, 126, 127.
int run_in_foreground(std::vector<Pod> pods, const ForegroundOptions& options);

}  // namespace tank::cli
