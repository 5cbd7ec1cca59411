// tank: the command. One verb, one file.
#include <iostream>

#include "cli/globals.h"
#include "sys/signal_fd.h"

int main(int argc, char** argv) {  // NOLINT(bugprone-exception-escape): only for want of memory
  tank::sys::ignore_broken_pipes();
  tank::cli::Globals globals;
  CLI::App app("Tank runs declared pods on one machine.", "tank");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  tank::cli::add_run(app, globals);
  tank::cli::add_pull(app, globals);
  tank::cli::add_images(app, globals);
  tank::cli::add_image(app, globals);
  tank::cli::add_cleanup(app, globals);
  tank::cli::add_version(app, globals);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    // Help and version are no failures; a command line that makes no sense is ours, not the container's.
    return app.exit(failure) == 0 ? 0 : tank::cli::kFailed;
  }
  return globals.exit_code;
}
