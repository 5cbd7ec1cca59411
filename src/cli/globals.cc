#include "cli/globals.h"

#include <iostream>

namespace tank::cli {

int exit_code(const Error& error) {
  switch (error.kind()) {
    case Kind::not_executable: return kNotExecutable;
    case Kind::no_command: return kNotFound;
    default: return kFailed;
  }
}

int report(const Error& error) {
  std::cerr << "tank: " << to_string(error) << '\n';
  return exit_code(error);
}

void add_directories(CLI::App& verb, Globals& globals) {
  verb.add_option("--data-dir", globals.data_dir, "images, layers and volumes")
      ->envname("TANK_DATA_DIR")
      ->capture_default_str();
  verb.add_option("--run-dir", globals.run_dir, "records of running pods, on a tmpfs")
      ->envname("TANK_RUN_DIR")
      ->capture_default_str();
}

void add_registry_options(CLI::App& verb, Globals& globals) {
  verb.add_option("--plain-http", globals.image.plain_http_hosts, "registry HOST[:PORT] to speak to without TLS")
      ->envname("TANK_PLAIN_HTTP")
      ->delimiter(',');
  verb.add_option("--ca-file", globals.image.ca_file, "extra certificate authorities, PEM")->envname("TANK_CA_FILE");
  verb.add_option("--authfile", globals.image.auth_file, "registry credentials")->envname("REGISTRY_AUTH_FILE");
}

}  // namespace tank::cli
