#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cli/words.h"
#include "sys/file.h"
#include "sys/tty.h"

namespace tank::cli {

namespace {

using Stage = PullProgress::Stage;

std::string_view words_for(Stage stage) {
  switch (stage) {
    case Stage::resolving: return "resolving";
    case Stage::waiting: return "waiting";
    case Stage::downloading: return "downloading";
    case Stage::verifying: return "verifying";
    case Stage::unpacking: return "unpacking";
    case Stage::done: return "done";
    case Stage::cached: return "already here";
  }
  return "";
}

void print(std::string_view text) {
  // Progress nobody can read any more is not worth an error.
  [[maybe_unused]] const Result<> done = sys::write_all(sys::Fd(::dup(STDERR_FILENO)), text);
}

/// Plain lines: each layer once, when it is finished.
void print_line(const PullProgress& progress) {
  if (progress.layer.empty() || (progress.stage != Stage::done && progress.stage != Stage::cached)) return;
  print(concat(short_digest(progress.layer), ": ", words_for(progress.stage), "\n"));
}

/// Bars: one row per layer, redrawn in place.
class Bars {
 public:
  explicit Bars(unsigned columns) : columns_(std::clamp(columns, 40U, 200U)) {}

  void show(const PullProgress& progress) {
    if (progress.layer.empty()) return;
    const auto row =
        std::find_if(rows_.begin(), rows_.end(), [&](const PullProgress& one) { return one.layer == progress.layer; });
    if (row != rows_.end() && !worth_drawing(*row, progress)) return;
    std::string out;
    if (!rows_.empty()) out = concat("\x1b[", rows_.size(), "A");
    if (row == rows_.end()) {
      rows_.push_back(progress);
    } else {
      *row = progress;
    }
    for (const PullProgress& one : rows_) out += concat("\x1b[2K", draw(one), "\n");
    print(out);
  }

 private:
  static int percent(const PullProgress& progress) {
    if (progress.total == 0) return 0;
    return static_cast<int>(std::min<std::uint64_t>(100, progress.current * 100 / progress.total));
  }

  static bool worth_drawing(const PullProgress& before, const PullProgress& now) {
    return before.stage != now.stage || percent(before) != percent(now);
  }

  std::string draw(const PullProgress& progress) const {
    std::string line = concat(short_digest(progress.layer), ": ", words_for(progress.stage));
    const bool moving = progress.stage == Stage::downloading || progress.stage == Stage::unpacking;
    if (!moving || progress.total == 0) return line;
    line.resize(std::max<std::size_t>(line.size(), 27), ' ');
    const std::string amounts = concat(" ", human_bytes(progress.current), " / ", human_bytes(progress.total));
    const std::size_t width =
        columns_ > line.size() + amounts.size() + 4 ? columns_ - line.size() - amounts.size() - 4 : 10;
    const std::size_t filled = width * static_cast<std::size_t>(percent(progress)) / 100;
    return concat(line, "[", std::string(filled, '='), std::string(width - filled, ' '), "]", amounts);
  }

  unsigned columns_;
  std::vector<PullProgress> rows_;
};

}  // namespace

std::function<void(const PullProgress&)> make_progress_printer() {
  if (!sys::is_tty(STDERR_FILENO)) return print_line;
  const auto size = sys::window_size(STDERR_FILENO);
  const auto bars = std::make_shared<Bars>(size ? size->columns : 80U);
  return [bars](const PullProgress& progress) { bars->show(progress); };
}

}  // namespace tank::cli
