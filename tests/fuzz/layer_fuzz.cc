// libFuzzer target: any bytes as a layer blob, through detection, decompression, tar reading and the writing of files,
// into a directory in a mount namespace of its own where nothing else can be reached by accident. The invariant that
// is checked: nothing appears beside the layer's directory, and an error leaves no layer.
//
// The digest would end nearly every run before it began, so the input is unpacked as what unpack_layer() is given
// before the digest is compared: a wrong digest is the expected error of a sound archive.
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "image/layer.h"
#include "sys/file.h"

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = "/tmp";

/// A fresh tmpfs over /tmp, seen by this process alone.
bool enter_sandbox() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", kRoot.c_str(), "tmpfs", 0, "size=256m,mode=0700") == 0;
}

std::size_t names_below(const fs::path& directory) {
  std::error_code ignored;
  std::size_t count = 0;
  for (auto each = fs::directory_iterator(directory, ignored); each != fs::directory_iterator(); ++each) ++count;
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  // Without it the invariant could not be told from what others do in /tmp.
  if (!enter_sandbox()) {
    std::fputs("layer_fuzz needs root: it mounts a file system of its own\n", stderr);
    std::exit(1);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fs::path data_dir = kRoot / "tank-layer-fuzz";
  tank::sys::Fd blob(::memfd_create("blob", MFD_CLOEXEC));
  if (::write(blob.get(), bytes, size) != static_cast<ssize_t>(size)) std::abort();
  const tank::image::LayerCaps caps{.max_bytes = 4U << 20U, .max_entries = 256};
  const std::size_t beside = names_below(kRoot);
  const auto layer = tank::image::ensure_layer(data_dir, "sha256:" + std::string(64, '0'), blob, caps, {});
  if (layer) std::abort();  // nobody finds bytes with that digest
  if (names_below(data_dir / "layers") != 0) std::abort();
  if (!tank::sys::remove_tree(data_dir)) std::abort();
  if (names_below(kRoot) > beside) std::abort();
  return 0;
}
