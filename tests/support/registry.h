// A real registry (Debian's docker-registry) on a loopback port of the kernel's choice, with storage that goes with it.
// Images are made as OCI layouts by the test and pushed with skopeo.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

#include "support/process.h"
#include "support/temp_dir.h"

namespace tank::test {

class Registry {
 public:
  /// Starts it and returns when it listens; throws std::runtime_error with its log otherwise.
  Registry();
  ~Registry();

  std::uint16_t port() const { return port_; }
  /// "127.0.0.1:PORT"
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  /// "127.0.0.1:PORT/name": what a manifest writes as image.
  std::string reference(const std::string& name) const { return host() + "/" + name; }

  /// Copies an image into it, `source` as skopeo names it (oci:DIR:TAG, docker-archive:FILE, …). Throws with skopeo's
  /// own words when that fails.
  void push(const std::string& source, const std::string& name);

  /// Ends it; from then on its port refuses.
  void stop();

 private:
  TempDir storage_;
  Child server_;
  std::thread log_reader_;
  std::uint16_t port_ = 0;
};

}  // namespace tank::test
