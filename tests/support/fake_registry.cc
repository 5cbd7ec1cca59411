#include "support/fake_registry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace tank::test {

namespace {

bool send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Reads until the buffer holds a whole request; what follows stays in it.
std::optional<FakeRequest> read_request(int connection, std::string& buffer) {
  const auto more = [&] {
    char piece[8192];
    const ssize_t got = ::recv(connection, piece, sizeof piece, 0);
    if (got > 0) buffer.append(piece, static_cast<std::size_t>(got));
    return got > 0;
  };
  std::size_t end = std::string::npos;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return std::nullopt;
  }
  FakeRequest request;
  const std::string head = buffer.substr(0, end + 2);
  buffer.erase(0, end + 4);
  const auto first = head.find("\r\n");
  const auto space = head.find(' ');
  request.method = head.substr(0, space);
  request.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
  for (std::size_t at = first + 2; at < head.size();) {
    const auto stop = head.find("\r\n", at);
    const std::string line = head.substr(at, stop - at);
    at = stop + 2;
    const auto colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(::tolower(c)); });
    request.headers[name] = line.substr(line.find_first_not_of(' ', colon + 1));
  }
  const std::string length = request.header("content-length");
  const std::size_t size = length.empty() ? 0 : std::stoul(length);
  while (buffer.size() < size) {
    if (!more()) return std::nullopt;
  }
  request.body = buffer.substr(0, size);
  buffer.erase(0, size);
  return request;
}

FakeReply not_found() {
  return {404,
          {{"Content-Type", "application/json"}},
          R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})",
          {},
          {}};
}

std::string after(const std::string& text, const std::string& mark) {
  const auto at = text.find(mark);
  return at == std::string::npos ? std::string() : text.substr(at + mark.size());
}

}  // namespace

FakeRegistry::FakeRegistry() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) < 0 ||
      ::listen(listener_, 64) < 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) < 0) {
    throw std::runtime_error("no listening socket");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

FakeRegistry::~FakeRegistry() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
    ::shutdown(listener_, SHUT_RDWR);
  }
  changed_.notify_all();
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string FakeRegistry::host() const { return "127.0.0.1:" + std::to_string(port_); }

void FakeRegistry::add_blob(const std::string& digest, std::string bytes) {
  const std::lock_guard lock(mutex_);
  blobs_[digest] = std::move(bytes);
}

void FakeRegistry::add_manifest(const std::string& name, const std::string& digest, std::string bytes,
                                std::string media_type) {
  const std::lock_guard lock(mutex_);
  manifests_[name] = {bytes, media_type, digest};
  manifests_[digest] = {std::move(bytes), std::move(media_type), digest};
}

void FakeRegistry::set_hook(Hook hook) {
  const std::lock_guard lock(hook_mutex_);
  hook_ = std::move(hook);
}

std::vector<FakeRequest> FakeRegistry::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t FakeRegistry::count(const std::string& method, const std::string& text) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const FakeRequest& request) {
    return request.method == method && request.target.find(text) != std::string::npos;
  }));
}

bool FakeRegistry::wait_for(const std::string& text, std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
    return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const FakeRequest& request) {
             return request.target.find(text) != std::string::npos;
           })) >= count;
  });
}

void FakeRegistry::accept_loop() {
  for (;;) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (ending_ || connection < 0) {
      if (connection >= 0) ::close(connection);
      return;
    }
    connections_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void FakeRegistry::serve(int connection) {
  std::string buffer;
  while (const std::optional<FakeRequest> request = read_request(connection, buffer)) {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
    }
    changed_.notify_all();
    if (!send_reply(connection, *request, answer(*request))) break;
  }
  const std::lock_guard lock(mutex_);
  connections_.erase(std::find(connections_.begin(), connections_.end(), connection));
  ::close(connection);
}

FakeReply FakeRegistry::answer(const FakeRequest& request) {
  {
    const std::lock_guard lock(hook_mutex_);
    if (hook_) {
      if (std::optional<FakeReply> reply = hook_(request)) return *reply;
    }
  }
  return usual(request);
}

FakeReply FakeRegistry::usual(const FakeRequest& request) {
  const std::lock_guard lock(mutex_);
  if (request.target == "/v2/") return {200, {}, "{}", {}, {}};
  const auto manifest = manifests_.find(after(request.target, "/manifests/"));
  if (manifest != manifests_.end()) {
    return {200,
            {{"Content-Type", manifest->second.media_type}, {"Docker-Content-Digest", manifest->second.digest}},
            manifest->second.bytes,
            {},
            {}};
  }
  const auto blob = blobs_.find(after(request.target, "/blobs/"));
  if (blob == blobs_.end()) return not_found();
  const std::string range = request.header("range");
  if (range.rfind("bytes=", 0) != 0) return {200, {}, blob->second, {}, {}};
  const std::size_t from = std::stoul(range.substr(6));
  const std::size_t size = blob->second.size();
  if (from >= size) return {416, {}, "", {}, {}};
  return {206,
          {{"Content-Range",
            "bytes " + std::to_string(from) + "-" + std::to_string(size - 1) + "/" + std::to_string(size)}},
          blob->second.substr(from),
          {},
          {}};
}

bool FakeRegistry::send_reply(int connection, const FakeRequest& request, const FakeReply& reply) {
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " x\r\n";
  for (const auto& [name, value] : reply.headers) head += name + ": " + value + "\r\n";
  if (reply.chunked) {
    head += "Transfer-Encoding: chunked\r\n";
  } else {
    head += "Content-Length: " + std::to_string(reply.content_length.value_or(reply.body.size())) + "\r\n";
  }
  if (!send_all(connection, head + "\r\n")) return false;
  if (request.method == "HEAD") return true;
  const std::string body = reply.body.substr(0, reply.cut_after.value_or(reply.body.size()));
  if (reply.chunked && !body.empty()) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    if (!send_all(connection, size + body + "\r\n")) return false;
  } else if (!send_all(connection, body)) {
    return false;
  }
  if (reply.stall) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ending_; });
    return false;
  }
  if (reply.cut_after) return false;
  return !reply.chunked || send_all(connection, "0\r\n\r\n");
}

}  // namespace tank::test
