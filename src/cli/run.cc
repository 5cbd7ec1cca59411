// tank run: one manifest, or one image, in the foreground, without a daemon.
#include <algorithm>
#include <csignal>
#include <iostream>
#include <iterator>
#include <map>
#include <random>

#include "cli/events.h"
#include "cli/foreground.h"
#include "cli/globals.h"
#include "cli/progress.h"
#include "sys/file.h"
#include "tank/manifest.h"
#include "tank/runtime.h"

namespace tank::cli {

namespace {

constexpr std::size_t kMaxManifestBytes = 8U << 20U;

struct Arguments {
  std::string file;
  std::vector<std::string> words;  ///< IMAGE [CMD…] of the shorthand
  bool events = false;
  bool interactive = false;
  bool terminal = false;
  std::string name;
  std::string pull;
  std::vector<std::string> env;
};

Result<std::string> read_manifest(const std::string& file) {
  if (file != "-") return sys::read_file(file, kMaxManifestBytes);
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

Result<std::vector<Pod>> pods_of_file(const std::string& file) {
  const std::string text = TRY(read_manifest(file));
  Manifest manifest = parse_manifests(text, file == "-" ? "<stdin>" : file);
  for (const Finding& warning : manifest.warnings) std::cerr << "tank: warning: " << to_string(warning) << '\n';
  if (!manifest.errors.empty()) {
    std::string all;
    for (const Finding& finding : manifest.errors) all += (all.empty() ? "" : "\ntank: ") + to_string(finding);
    return Error(Kind::invalid, all);
  }
  if (manifest.pods.empty()) return error(Kind::invalid, "'", file, "' holds no Pod");
  return std::move(manifest.pods);
}

std::string random_suffix() {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  std::string suffix;
  for (int i = 0; i < 6; ++i) suffix += kLetters[random() % kLetters.size()];
  return suffix;
}

/// The manifest that `tank run IMAGE CMD…` stands for, as text: so that the shorthand obeys the same rules.
Result<Pod> pod_of_words(const Arguments& arguments) {
  const auto quoted = [](const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
  };
  const std::string name = arguments.name.empty() ? "run-" + random_suffix() : arguments.name;
  std::string text =
      concat("apiVersion: v1\nkind: Pod\nmetadata: {name: ", quoted(name), "}\nspec:\n",
             "  restartPolicy: Never\n  containers:\n  - name: main\n    image: ", quoted(arguments.words.front()),
             "\n    stdin: ", arguments.interactive ? "true" : "false",
             "\n    tty: ", arguments.terminal ? "true" : "false", "\n");
  if (!arguments.pull.empty()) text += concat("    imagePullPolicy: ", quoted(arguments.pull), "\n");
  if (!arguments.env.empty()) text += "    env:\n";
  for (const std::string& one : arguments.env) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos) return error(Kind::invalid, "--env '", one, "': want NAME=VALUE");
    // A dollar of the shell's user is not a reference of the manifest's.
    std::string value;
    for (const char c : one.substr(equals + 1)) value += c == '$' ? std::string("$$") : std::string(1, c);
    text += concat("    - {name: ", quoted(one.substr(0, equals)), ", value: ", quoted(value), "}\n");
  }
  Manifest manifest = parse_manifests(text, "command line");
  if (!manifest.errors.empty()) return error(Kind::invalid, to_string(manifest.errors.front()));
  Pod pod = std::move(manifest.pods.front());
  pod.containers.front().args.assign(arguments.words.begin() + 1, arguments.words.end());
  for (std::string& word : pod.containers.front().args) {
    std::string escaped;
    for (const char c : word) escaped += c == '$' ? std::string("$$") : std::string(1, c);
    word = std::move(escaped);
  }
  return pod;
}

Result<std::vector<Pod>> pods_of(const Arguments& arguments) {
  if (!arguments.file.empty() && !arguments.words.empty()) {
    return error(Kind::invalid, "both -f and an image are given: which one?");
  }
  if (!arguments.file.empty()) return pods_of_file(arguments.file);
  if (arguments.words.empty()) return error(Kind::invalid, "nothing to run: give -f FILE or an IMAGE");
  Pod pod = TRY(pod_of_words(arguments));
  return std::vector<Pod>{std::move(pod)};
}

int run(const Arguments& arguments, const Globals& globals) {
  Result<std::vector<Pod>> pods = pods_of(arguments);
  if (!pods) return report(pods.error());
  ForegroundOptions options;
  options.data_dir = globals.data_dir;
  options.run_dir = globals.run_dir;
  options.image = globals.image;
  options.events = arguments.events ? Events::yes : Events::no;
  return run_in_foreground(std::move(*pods), options);
}

}  // namespace

void add_run(CLI::App& app, Globals& globals) {
  CLI::App* verb = app.add_subcommand("run", "Run a pod in the foreground: -f FILE, or IMAGE [--] [ARG…]");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("-f,--file", arguments->file, "manifest, or - for stdin");
  verb->add_option("image", arguments->words, "image and arguments");
  verb->add_flag("--events", arguments->events, "print events and steps as JSON lines on stderr");
  verb->add_flag("-i,--interactive", arguments->interactive, "give the container our stdin");
  verb->add_flag("-t,--tty", arguments->terminal, "give the container a terminal");
  verb->add_option("--name", arguments->name, "name of the pod");
  verb->add_option("-e,--env", arguments->env, "NAME=VALUE")->allow_extra_args(false);
  verb->add_option("--pull", arguments->pull, "Always, IfNotPresent or Never");
  verb->positionals_at_end();
  verb->prefix_command();
  add_directories(*verb, globals);
  add_registry_options(*verb, globals);
  verb->callback([arguments, verb, &globals] {
    // Everything after the image belongs to the container, also what looks like an option of ours.
    for (const std::string& word : verb->remaining()) arguments->words.push_back(word);
    const auto separator = arguments->words.size() > 1 && arguments->words[1] == "--";
    if (separator) arguments->words.erase(arguments->words.begin() + 1);
    globals.exit_code = run(*arguments, globals);
  });
}

}  // namespace tank::cli
