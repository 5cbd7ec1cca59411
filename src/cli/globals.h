// What every verb of `tank` shares: where things stand, and how a verb is added to the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tank/image.h"
#include "tank/result.h"

namespace tank::cli {

struct Globals {
  std::filesystem::path data_dir = "/var/lib/tank";
  std::filesystem::path run_dir = "/run/tank";
  PullOptions image;
  int exit_code = 0;  ///< set by the verb that ran
};

/// Exit codes of `tank` where a container's own does not apply, as other runtimes have them.
inline constexpr int kFailed = 125;
inline constexpr int kNotExecutable = 126;
inline constexpr int kNotFound = 127;

/// The exit code of an error.
int exit_code(const Error& error);
/// Prints "tank: sentence" to stderr and gives the exit code.
int report(const Error& error);

/// --data-dir, --run-dir and the registry options, on each verb that needs them.
void add_directories(CLI::App& verb, Globals& globals);
void add_registry_options(CLI::App& verb, Globals& globals);

void add_run(CLI::App& app, Globals& globals);
void add_pull(CLI::App& app, Globals& globals);
void add_images(CLI::App& app, Globals& globals);
void add_image(CLI::App& app, Globals& globals);
void add_cleanup(CLI::App& app, Globals& globals);
void add_version(CLI::App& app, Globals& globals);

}  // namespace tank::cli
