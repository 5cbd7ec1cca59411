// File descriptors with one owner each. By habit a typed descriptor comes from the sys:: call that makes one.
#pragma once

#include <utility>

namespace tank::sys {

/// Owns one descriptor, closes it once. Move-only; there is no conversion to int or bool on purpose.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  /// Gives the number up to the caller, who now closes it.
  int release() { return std::exchange(number_, -1); }
  /// Closes it now. An error of close(2) cannot be acted on and is dropped.
  void reset();

 private:
  int number_ = -1;
};

/// A descriptor of a directory: what paths are resolved against.
class DirFd : public Fd {
 public:
  using Fd::Fd;
};

/// A descriptor of a process (pidfd_open(2), CLONE_PIDFD): immune to pid reuse.
class PidFd : public Fd {
 public:
  using Fd::Fd;
};

/// A descriptor of a network namespace.
class NetnsFd : public Fd {
 public:
  using Fd::Fd;
};

/// A descriptor of a mount that may be attached to no namespace (open_tree(2), fsmount(2)).
class MountFd : public Fd {
 public:
  using Fd::Fd;
};

}  // namespace tank::sys
