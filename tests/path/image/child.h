// Programs that image tests run: started, listened to, ended by their own process descriptor.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tank::test {

class Child {
 public:
  /// Standard error (and output) can be read with wait_for_text and rest.
  explicit Child(std::vector<std::string> argv) {
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) < 0) throw std::runtime_error("no pipe");
    out_ = pipe_ends[0];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 2);
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    const int failure = ::posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), ::environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_ends[1]);
    if (failure != 0) {
      ::close(out_);
      throw std::runtime_error("cannot start " + argv[0]);
    }
  }
  ~Child() {
    if (pid_ > 0) {
      end();
      wait();
    }
    ::close(out_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// SIGKILL, through a process descriptor. Not reaped yet, so the pid is still its own.
  void end() const {
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    ::syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0);
    ::close(process);
  }

  /// What follows `mark` up to the next blank or quote, read as it comes; empty when it does not come in ten seconds.
  std::string wait_for_text(const std::string& mark) {
    for (;;) {
      const auto at = said_.find(mark);
      const auto stop = at == std::string::npos ? at : said_.find_first_of(" \"\n", at + mark.size());
      if (stop != std::string::npos) return said_.substr(at + mark.size(), stop - at - mark.size());
      pollfd waiting{out_, POLLIN, 0};
      if (::poll(&waiting, 1, 10000) <= 0 || !read_more()) return "";
    }
  }

  /// The exit code, or 128 and the signal; reads all output on the way.
  int wait() {
    while (read_more()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  const std::string& said() const { return said_; }
  int output() const { return out_; }

 private:
  bool read_more() {
    char buffer[4096];
    const ssize_t got = ::read(out_, buffer, sizeof buffer);
    if (got > 0) said_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  pid_t pid_ = 0;
  int out_ = -1;
  std::string said_;
};

/// Runs to the end; the output when it failed, else nothing.
inline std::string run(std::vector<std::string> argv) {
  Child child(std::move(argv));
  const int code = child.wait();
  return code == 0 ? std::string() : "exit " + std::to_string(code) + ": " + child.said();
}

}  // namespace tank::test
