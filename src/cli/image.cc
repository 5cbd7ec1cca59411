// tank image load, rm and inspect.
#include <boost/json.hpp>
#include <iostream>

#include "cli/globals.h"
#include "cli/progress.h"
#include "cli/words.h"
#include "tank/image_store.h"
#include "tank/runtime.h"

namespace tank::cli {

namespace json = boost::json;

namespace {

int load(const std::string& source, const std::string& name, const Globals& globals) {
  PullOptions options = globals.image;
  options.progress = make_progress_printer();
  const Result<std::vector<std::string>> loaded = load_images(globals.data_dir, source, name, options);
  if (!loaded) return report(loaded.error());
  for (const std::string& reference : *loaded) std::cout << reference << '\n';
  return 0;
}

int remove(const std::vector<std::string>& references, const Globals& globals) {
  const auto in_use = [&](const std::filesystem::path& layer) {
    // Asked anew for each layer: a pod may have started meanwhile.
    const std::vector<std::filesystem::path> used = layers_in_use(globals.run_dir);
    return std::find(used.begin(), used.end(), layer) != used.end();
  };
  int code = 0;
  for (const std::string& reference : references) {
    const Result<RemovedImage> removed = remove_image(globals.data_dir, reference, in_use);
    if (!removed) {
      code = report(removed.error());
      continue;
    }
    for (const std::string& one : removed->references) std::cout << "removed " << one << '\n';
  }
  return code;
}

/// The documents as they came, parsed only so that they can stand inside ours.
json::value embed(const std::string& text) {
  boost::system::error_code failure;
  json::value value = json::parse(text, failure);
  return failure ? json::value(text) : value;
}

int inspect(const std::string& reference, const Globals& globals) {
  const Result<ImageDetails> details = inspect_image(globals.data_dir, reference);
  if (!details) return report(details.error());
  json::array layers;
  for (const StoredLayer& layer : details->layers) {
    layers.push_back(
        json::object{{"digest", layer.digest},
                     {"mediaType", layer.media_type},
                     {"size", layer.size},
                     {"diffID", layer.diff_id},
                     {"unpacked", layer.unpacked ? json::value(layer.unpacked->native()) : json::value()}});
  }
  const json::object all{{"reference", details->image.reference},
                         {"digest", details->image.digest},
                         {"id", details->image.id},
                         {"platform", details->image.platform},
                         {"created", details->image.created},
                         {"size", details->image.size},
                         {"layers", std::move(layers)},
                         {"manifest", embed(details->manifest_json)},
                         {"config", embed(details->config_json)}};
  std::cout << json::serialize(all) << '\n';
  return 0;
}

void add_load(CLI::App& image, Globals& globals) {
  CLI::App* verb = image.add_subcommand("load", "Take images out of an archive or layout into the store");
  auto source = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  verb->add_option("source", *source, "oci:DIR, oci-archive:FILE, docker-archive:FILE or a path")->required();
  verb->add_option("--name", *name, "reference to give the one image in it");
  add_directories(*verb, globals);
  verb->callback([source, name, &globals] { globals.exit_code = load(*source, *name, globals); });
}

void add_remove(CLI::App& image, Globals& globals) {
  CLI::App* verb = image.add_subcommand("rm", "Remove images and what only they need");
  auto references = std::make_shared<std::vector<std::string>>();
  verb->add_option("image", *references, "references, digests or ids")->required();
  add_directories(*verb, globals);
  verb->callback([references, &globals] { globals.exit_code = remove(*references, globals); });
}

void add_inspect(CLI::App& image, Globals& globals) {
  CLI::App* verb = image.add_subcommand("inspect", "Print everything known of an image as JSON");
  auto reference = std::make_shared<std::string>();
  verb->add_option("image", *reference, "reference, digest or id")->required();
  add_directories(*verb, globals);
  verb->callback([reference, &globals] { globals.exit_code = inspect(*reference, globals); });
}

}  // namespace

void add_image(CLI::App& app, Globals& globals) {
  CLI::App* image = app.add_subcommand("image", "Load, remove and inspect images");
  image->require_subcommand(1);
  add_load(*image, globals);
  add_remove(*image, globals);
  add_inspect(*image, globals);
}

}  // namespace tank::cli
