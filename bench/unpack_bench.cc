// How fast a layer comes onto the disk: ours against umoci and tar, in one run, taking turns, on the same file system.
// Each time counts until the files are durable: ours syncs by itself, the others are followed by syncfs(2) unless
// "nosync" is given, when nobody but us syncs.
//
//   unpack_bench DIRECTORY_TO_PACK SCRATCH_DIRECTORY [ROUNDS] [nosync]
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "image/layer.h"
#include "support/image_builder.h"
#include "sys/file.h"
#include "sys/inode.h"

namespace {

namespace fs = std::filesystem;
using tank::test::ImageBuilder;

bool run(const std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDOUT_FILENO);
    ::execvp(pointers[0], pointers.data());
    ::_exit(127);
  }
  int outcome = 0;
  ::waitpid(child, &outcome, 0);
  return WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0;
}

void sync_below(const fs::path& path) {
  const tank::Result<tank::sys::DirFd> dir = tank::sys::open_dir(path);
  if (dir) static_cast<void>(tank::sys::sync_file_system(*dir));
}

struct Contender {
  std::string name;
  std::function<bool()> unpack;
  fs::path result;
  std::vector<double> seconds = {};
};

void measure(Contender& contender, const fs::path& scratch) {
  fs::remove_all(contender.result);
  sync_below(scratch);
  const auto begin = std::chrono::steady_clock::now();
  if (!contender.unpack()) return;
  contender.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

void report(const std::vector<Contender>& contenders, double megabytes) {
  for (const Contender& contender : contenders) {
    std::vector<double> sorted = contender.seconds;
    if (sorted.empty()) {
      std::printf("%-24s did not run\n", contender.name.c_str());
      continue;
    }
    std::sort(sorted.begin(), sorted.end());
    const double median = sorted[sorted.size() / 2];
    std::printf("%-24s median %7.3f s  best %7.3f s  %8.1f MB/s\n", contender.name.c_str(), median, sorted.front(),
                megabytes / median);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: unpack_bench DIRECTORY_TO_PACK SCRATCH_DIRECTORY [ROUNDS] [nosync]\n", stderr);
    return 2;
  }
  const fs::path scratch = argv[2];
  const int rounds = argc > 3 ? std::max(1, std::atoi(argv[3])) : 5;
  const bool sync_all = argc <= 4 || std::string_view(argv[4]) != "nosync";
  fs::create_directories(scratch);

  const std::string tar = tank::test::tar_of_directory(argv[1]).bytes();
  const std::string diff_id = tank::test::digest_of(tar);
  ImageBuilder().layer_bytes(tar).write_layout(scratch / "layout", "gzip");
  const std::string gzip = tank::test::pack(tar, tank::test::Packing::gzip);
  const fs::path blob = scratch / "layout/blobs/sha256" / tank::test::digest_of(gzip).substr(7);
  const double megabytes = static_cast<double>(tar.size()) / 1e6;
  std::printf("layer: %.1f MB, %.1f MB as gzip\n", megabytes, static_cast<double>(gzip.size()) / 1e6);

  const auto ours = [&] {
    const tank::Result<tank::sys::Fd> fd = tank::sys::open_path(blob, O_RDONLY);
    const auto layer = tank::image::ensure_layer(scratch / "data", diff_id, *fd, {}, {});
    if (!layer) std::fprintf(stderr, "%s\n", layer.error().sentence().c_str());
    return layer.has_value();
  };
  const auto theirs = [&](std::vector<std::string> command) {
    return [&scratch, sync_all, command = std::move(command)] {
      const bool sound = run(command);
      if (sync_all) sync_below(scratch);
      return sound;
    };
  };
  const auto with_tar = [&] {
    fs::create_directory(scratch / "tar");
    return theirs({"tar", "--xattrs", "--numeric-owner", "-xpzf", blob.native(), "-C", (scratch / "tar").native()})();
  };
  std::vector<Contender> contenders;
  contenders.push_back({"tank", ours, scratch / "data"});
  contenders.push_back({"tar -xpz", with_tar, scratch / "tar"});
  contenders.push_back(
      {"umoci unpack",
       theirs({"umoci", "unpack", "--image", (scratch / "layout:gzip").native(), (scratch / "umoci").native()}),
       scratch / "umoci"});
  for (int round = 0; round < rounds; ++round) {
    for (Contender& contender : contenders) measure(contender, scratch);
  }
  report(contenders, megabytes);
  fs::remove_all(scratch);
  return 0;
}
