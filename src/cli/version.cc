// tank version.
#include <iostream>

#include "cli/globals.h"

namespace tank::cli {

void add_version(CLI::App& app, Globals&) {
  app.add_subcommand("version", "Print the version")->callback([] { std::cout << "tank " TANK_VERSION "\n"; });
}

}  // namespace tank::cli
