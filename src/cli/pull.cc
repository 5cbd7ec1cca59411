// tank pull: fetch and unpack images, running nothing.
#include <csignal>
#include <iostream>
#include <thread>

#include "cli/globals.h"
#include "cli/progress.h"
#include "sys/event.h"
#include "sys/signal_fd.h"

namespace tank::cli {

namespace {

int pull(const std::vector<std::string>& references, const Globals& globals) {
  for (const std::string& reference : references) {
    PullOptions options = globals.image;
    options.progress = make_progress_printer();
    const Result<Image> image = ensure_image(globals.data_dir, reference, PullPolicy::always, options);
    if (!image) return report(image.error());
    std::cout << image->digest << '\n';
  }
  return 0;
}

}  // namespace

void add_pull(CLI::App& app, Globals& globals) {
  CLI::App* verb = app.add_subcommand("pull", "Fetch images");
  auto references = std::make_shared<std::vector<std::string>>();
  verb->add_option("image", *references, "references")->required();
  add_directories(*verb, globals);
  add_registry_options(*verb, globals);
  verb->callback([references, &globals] { globals.exit_code = pull(*references, globals); });
}

}  // namespace tank::cli
