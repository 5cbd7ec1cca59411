#include "support/registry.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <stdexcept>

namespace tank::test {

namespace {

using namespace std::chrono_literals;

Command server_command(const TempDir& storage) {
  const std::filesystem::path config = storage / "config.yml";
  std::ofstream(config) << "version: 0.1\n"
                           "log: {level: info}\n"
                           "http: {addr: '127.0.0.1:0', secret: tests}\n"
                           "storage: {filesystem: {rootdirectory: "
                        << (storage / "data").native() << "}, delete: {enabled: true}}\n";
  Command command;
  command.argv = {"docker-registry", "serve", config};
  // Its tracing library otherwise looks for a collector.
  command.env = {"OTEL_TRACES_EXPORTER=none"};
  return command;
}

void discard(const sys::Fd& from) {
  std::array<char, 4096> buffer;
  for (;;) {
    pollfd readable{from.get(), POLLIN, 0};
    if (::poll(&readable, 1, -1) < 0 && errno != EINTR) return;
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return;
  }
}

}  // namespace

Registry::Registry() : server_(server_command(storage_)) {
  static constexpr std::string_view kSaying = "listening on 127.0.0.1:";
  // One log line is one write(2) shorter than PIPE_BUF, so the number is whole when its beginning is there.
  const auto log = server_.wait_for_output(Child::Stream::err, kSaying, 20s);
  if (!log) throw std::runtime_error("starting docker-registry: " + to_string(server_.finish(0ms)));
  port_ = static_cast<std::uint16_t>(std::stoul(log->substr(log->find(kSaying) + kSaying.size())));
  // It logs every request; a full pipe would stop it.
  log_reader_ = std::thread([log = server_.release(Child::Stream::err)] { discard(log); });
}

Registry::~Registry() { stop(); }

void Registry::push(const std::string& source, const std::string& name) {
  const Outcome copied =
      run({"skopeo", "copy", "--insecure-policy", "--dest-tls-verify=false", source, "docker://" + reference(name)});
  if (copied.code != 0) throw std::runtime_error("pushing '" + source + "' as '" + name + "': " + to_string(copied));
}

void Registry::stop() {
  if (!log_reader_.joinable()) return;
  server_.signal(SIGKILL);
  server_.finish(10s);
  log_reader_.join();
}

}  // namespace tank::test
