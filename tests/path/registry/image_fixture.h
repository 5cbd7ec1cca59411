// Images of the probe for the tests of `tank pull`, `tank images` and `tank image`: built once, pushed to a registry.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "path/runtime/pod_fixture.h"
#include "support/image_builder.h"
#include "support/registry.h"

namespace tank::test {

class ImageTest : public PodTest {
 protected:
  /// An image whose only command prints `word`; two words make two images that share a layer.
  static ImageBuilder image_saying(const std::string& word, Packing packing = Packing::gzip) {
    return ImageBuilder()
        .layer(tar_of_probe(), packing)
        .layer(TarBuilder().directory("etc").file("etc/word", word), packing)
        .cmd({"/bin/probe", "read", "/etc/word"});
  }

  static TarBuilder tar_of_probe() {
    const TempDir root;
    std::filesystem::create_directories(root / "bin");
    std::filesystem::copy_file(probe_program(), root / "bin/probe");
    for (const char* name : {"proc", "sys", "dev"}) std::filesystem::create_directories(root / name);
    return tar_of_directory(root.path());
  }

  /// Gives the digest of what was pushed.
  std::string push(Registry& registry, const ImageBuilder& image, const std::string& name) const {
    const TempDir layout;
    std::string digest = image.write_layout(layout.path(), "it");
    registry.push("oci:" + layout.path().native() + ":it", name);
    return digest;
  }

  Outcome verb(const std::vector<std::string>& words, const std::vector<std::string>& arguments) const {
    // "image rm": a verb of two words takes its options behind the second.
    Command command = tank(words.front(), {});
    command.argv.insert(command.argv.begin() + 2, words.begin() + 1, words.end());
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    return run(command);
  }
  Outcome pull(const std::string& reference) const { return verb({"pull"}, {reference}); }
  Outcome images() const { return verb({"images"}, {}); }

  std::string pod_of(const std::string& reference, const std::string& container_lines = "") const {
    return "apiVersion: v1\nkind: Pod\nmetadata: {name: test}\nspec:\n  restartPolicy: Never\n  containers:\n"
           "  - name: main\n    image: " +
           reference + "\n" + container_lines;
  }
};

/// One clear error: one line, "tank: …", with these words in it.
inline void expect_error(const Outcome& outcome, int code, const std::vector<std::string>& words) {
  EXPECT_EQ(outcome.code, code) << to_string(outcome);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.starts_with("tank: ")) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  for (const std::string& word : words) EXPECT_THAT(outcome.err, ::testing::HasSubstr(word));
}

}  // namespace tank::test
