// Small manifests for the tests of the spec room, and how their findings are compared: as the lines a user reads.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tank/manifest.h"

namespace tank::spec {

inline std::vector<std::string> lines_of(const std::vector<Finding>& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings) out.push_back(to_string(finding));
  return out;
}

inline std::string join(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

inline std::vector<std::string> errors_of(std::string_view text) { return lines_of(parse_manifests(text, "f").errors); }
inline std::vector<std::string> warnings_of(std::string_view text) {
  return lines_of(parse_manifests(text, "f").warnings);
}

/// A pod with one container; both arguments are flow-style members that start with ", " or are empty.
inline std::string pod_with(std::string_view pod_fields, std::string_view container_fields = "",
                            std::string_view metadata_fields = "") {
  return concat("apiVersion: v1\nkind: Pod\nmetadata: {name: p", metadata_fields,
                "}\nspec: {containers: [{name: c, image: i", container_fields, "}]", pod_fields, "}\n");
}

/// The only pod of a text that must be sound.
inline Pod pod_of(std::string_view text) {
  const Manifest manifest = parse_manifests(text, "f");
  EXPECT_EQ(join(lines_of(manifest.errors)), "") << text;
  EXPECT_EQ(manifest.pods.size(), 1U) << text;
  return manifest.pods.empty() ? Pod{} : manifest.pods.front();
}

inline Container container_of(std::string_view text) {
  const Pod pod = pod_of(text);
  EXPECT_EQ(pod.containers.size(), 1U) << text;
  return pod.containers.empty() ? Container{} : pod.containers.front();
}

/// The text has exactly one error, and it reads so: path, then words of the rule.
inline void expect_error(const std::string& text, std::string_view path, std::string_view words) {
  const Manifest manifest = parse_manifests(text, "f");
  ASSERT_EQ(manifest.errors.size(), 1U) << text << join(lines_of(manifest.errors));
  EXPECT_EQ(manifest.errors[0].path, path) << text;
  EXPECT_THAT(manifest.errors[0].rule, testing::HasSubstr(std::string(words))) << text;
  EXPECT_TRUE(manifest.pods.empty()) << text;
}

}  // namespace tank::spec
