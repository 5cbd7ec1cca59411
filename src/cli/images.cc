// tank images: what stands on this machine.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include "cli/globals.h"
#include "cli/words.h"
#include "tank/image_store.h"

namespace tank::cli {

namespace {

int images(const Globals& globals) {
  const Result<std::vector<StoredImage>> stored = list_images(globals.data_dir);
  if (!stored) return report(stored.error());
  std::vector<std::vector<std::string>> rows{{"REFERENCE", "IMAGE ID", "PLATFORM", "CREATED", "SIZE"}};
  for (const StoredImage& image : *stored) {
    rows.push_back({image.reference, short_digest(image.id), image.platform, image.created.substr(0, 10),
                    human_bytes(image.size)});
  }
  print_table(rows);
  return 0;
}

}  // namespace

void add_images(CLI::App& app, Globals& globals) {
  CLI::App* verb = app.add_subcommand("images", "List the images on this machine");
  add_directories(*verb, globals);
  verb->callback([&globals] { globals.exit_code = images(globals); });
}

}  // namespace tank::cli
