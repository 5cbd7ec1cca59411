// pull_once DATA_DIR REFERENCE: one pull in a process of its own, for tests that kill it or run two side by side.
#include <cstdio>

#include "tank/image.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const tank::Result<tank::Image> image =
      tank::ensure_image(argv[1], argv[2], tank::PullPolicy::if_not_present, tank::PullOptions{});
  if (image) return 0;
  std::fprintf(stderr, "%s\n", to_string(image.error()).c_str());
  return 1;
}
