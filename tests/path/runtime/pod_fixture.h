// What the path tests of the runtime share: a data and a run directory of their own, a root file system made of busybox
// and the probe, manifests on disk, and the programs under test.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/host_snapshot.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace tank::test {

class PodTest : public ::testing::Test {
 protected:
  PodTest();

  std::string data_dir() const { return disk_ / "data"; }
  std::string run_dir() const { return memory_ / "run"; }
  /// "rootfs:/…": busybox with its links, and /bin/probe.
  std::string image() const { return "rootfs:" + (disk_ / "root").native(); }
  /// Writes a file beside the directories and gives its path.
  std::string write(const std::string& name, const std::string& text) const;
  /// A pod with one container named main that runs `command` (a YAML flow list), and more lines below the container
  /// (six spaces in) and below spec (two spaces in).
  std::string manifest(const std::string& command, const std::string& container_lines = "",
                       const std::string& spec_lines = "") const;
  /// tank VERB --data-dir … --run-dir … ARGUMENTS…
  Command tank(const std::string& verb, const std::vector<std::string>& arguments) const;
  Outcome run_manifest(const std::string& text, const std::vector<std::string>& more = {}) const;

  /// Everything that must be the same before and after: the host and our run directory, writable layers included.
  HostSnapshot look() const { return capture_host(trees()); }
  void expect_unchanged(const HostSnapshot& before) const;

 private:
  std::vector<std::filesystem::path> trees() const;
  TempDir disk_;
  TempDir memory_{"/dev/shm"};
};

}  // namespace tank::test
