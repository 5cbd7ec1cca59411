// A registry that misbehaves on demand: HTTP/1.1 on a loopback port, one thread a connection, content from memory,
// every request written down. A hook sees each request first and may answer it in any way, sound or not.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace tank::test {

struct FakeRequest {
  std::string method;
  std::string target;                          ///< path and query
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

struct FakeReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::optional<std::uint64_t> content_length;  ///< what to announce instead of the body's size
  std::optional<std::size_t> cut_after;         ///< close the connection after so many bytes of the body
  bool stall = false;                           ///< after those bytes, say nothing more until the registry ends
  bool chunked = false;                         ///< no Content-Length, chunked instead
};

class FakeRegistry {
 public:
  using Hook = std::function<std::optional<FakeReply>(const FakeRequest&)>;

  FakeRegistry();
  ~FakeRegistry();
  FakeRegistry(const FakeRegistry&) = delete;
  FakeRegistry& operator=(const FakeRegistry&) = delete;

  /// "127.0.0.1:PORT".
  std::string host() const;

  /// Blobs are served in every repository.
  void add_blob(const std::string& digest, std::string bytes);
  /// Served by tag (or whatever `name` is) and by digest.
  void add_manifest(const std::string& name, const std::string& digest, std::string bytes, std::string media_type);

  /// Called from the connections' threads, one at a time. Nothing returned: the answer is the usual one.
  void set_hook(Hook hook);
  /// What it would answer without a hook.
  FakeReply usual(const FakeRequest& request);

  std::vector<FakeRequest> requests() const;
  /// How many requests of this method had a target that contains this text.
  std::size_t count(const std::string& method, const std::string& text) const;
  /// Waits until so many requests contain this text; false when they did not come within ten seconds.
  bool wait_for(const std::string& text, std::size_t count);

 private:
  struct Manifest {
    std::string bytes;
    std::string media_type;
    std::string digest;
  };
  void accept_loop();
  void serve(int connection);
  FakeReply answer(const FakeRequest& request);
  bool send_reply(int connection, const FakeRequest& request, const FakeReply& reply);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::mutex hook_mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  Hook hook_;
  std::map<std::string, std::string> blobs_;
  std::map<std::string, Manifest> manifests_;
  std::vector<FakeRequest> requests_;
  std::vector<int> connections_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace tank::test
