// A pull killed wherever it touches the disk or the network leaves a sound store, and the next one succeeds.
#include <sys/inotify.h>

#include "path/image/check_store.h"
#include "path/image/child.h"
#include "path/image/fixture.h"

namespace tank::image {
namespace {

/// Counts what happens in the store's directories.
class Watch {
 public:
  explicit Watch(const std::filesystem::path& data) : fd_(::inotify_init1(IN_CLOEXEC)) {
    for (const auto* name : {"images", "images/partial", "images/blobs/sha256", "layers"}) {
      std::filesystem::create_directories(data / name);
      ::inotify_add_watch(fd_, (data / name).c_str(),
                          IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE);
    }
  }
  ~Watch() { ::close(fd_); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// True once so many events came; false when the child said its last word before.
  bool wait_for(int events, int child_output) {
    for (;;) {
      pollfd waiting[2] = {{fd_, POLLIN, 0}, {child_output, POLLIN, 0}};
      if (::poll(waiting, 2, 20000) <= 0) return false;
      if ((waiting[0].revents & POLLIN) == 0) return false;
      alignas(inotify_event) char buffer[sizeof(inotify_event) + 256];
      ssize_t got = ::read(fd_, buffer, sizeof buffer);
      for (ssize_t at = 0; at < got;) {
        if (--events <= 0) return true;
        at += static_cast<ssize_t>(sizeof(inotify_event) + reinterpret_cast<inotify_event*>(buffer + at)->len);
      }
    }
  }

 private:
  int fd_;
};

TEST_F(ImagePath, AKillAtAnyMomentLeavesASoundStore) {
  serve(small_image());
  int kills = 0;
  for (int event = 1; event < 200; ++event) {
    Watch watch(data());
    test::Child child({PULL_ONCE, data().native(), reference()});
    const bool reached = watch.wait_for(event, child.output());
    child.end();
    const int code = child.wait();
    ASSERT_TRUE(code == 0 || code == 128 + SIGKILL) << child.said();
    ASSERT_EQ(fault_of_store(data()), "") << "after event " << event;
    const Result<Image> next = ensure_it();
    ASSERT_TRUE(next) << "after event " << event << ": " << next.error().sentence();
    ASSERT_EQ(slurp(next->layers.at(1) / "big"), noise(300000));
    ASSERT_EQ(fault_of_store(data()), "");
    ASSERT_TRUE(partials().empty());
    std::filesystem::remove_all(data());
    if (!reached) break;
    ++kills;
  }
  EXPECT_GT(kills, 10);
}

TEST_F(ImagePath, AKillInTheMiddleOfABlobIsResumed) {
  serve(small_image());
  for (const auto& [digest, bytes] : small_image().blobs()) {
    if (digest == test::digest_of(small_image().manifest_json())) continue;
    fake.set_hook([&, name = digest](const FakeRequest& request) -> std::optional<FakeReply> {
      if (request.target.find(name) == std::string::npos) return std::nullopt;
      FakeReply reply = fake.usual(request);
      reply.cut_after = reply.body.size() / 2;
      reply.stall = true;
      return reply;
    });
    {
      const std::size_t before = fake.count("GET", digest);
      test::Child child({PULL_ONCE, data().native(), reference()});
      ASSERT_TRUE(fake.wait_for(digest, before + 1));
      child.end();
      child.wait();
    }
    fake.set_hook({});
    ASSERT_EQ(fault_of_store(data()), "");
    ASSERT_TRUE(list_images(data())->empty());
    const Result<Image> next = ensure_it();
    ASSERT_TRUE(next) << next.error().sentence();
    std::filesystem::remove_all(data());
  }
}

}  // namespace
}  // namespace tank::image
