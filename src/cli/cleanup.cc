// tank cleanup: take down what dead owners left behind.
#include <iostream>

#include "cli/globals.h"
#include "tank/runtime.h"

namespace tank::cli {

namespace {

int cleanup(const Globals& globals) {
  const CleanUpReport report = clean_up(globals.data_dir, globals.run_dir);
  for (const std::string& line : report.removed) std::cout << "removed " << line << '\n';
  for (const Error& error : report.errors) cli::report(error);
  return report.errors.empty() ? 0 : kFailed;
}

}  // namespace

void add_cleanup(CLI::App& app, Globals& globals) {
  CLI::App* verb = app.add_subcommand("cleanup", "Remove what pods left whose owner died");
  add_directories(*verb, globals);
  verb->callback([&globals] { globals.exit_code = cleanup(globals); });
}

}  // namespace tank::cli
