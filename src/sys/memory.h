// Bytes handed from one process to another in a sealed memfd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"

namespace tank::sys {

/// A memfd with these bytes that nobody can change any more.
Result<Fd> make_sealed_memory(const char* name, std::string_view bytes);

/// A read-only mapping, unmapped with its owner.
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { reset(); }

  std::string_view bytes() const { return {static_cast<const char*>(base_), size_}; }
  void reset();

 private:
  friend Result<Mapping> map_sealed_memory(const Fd& fd, std::size_t limit);
  void* base_ = nullptr;
  std::size_t size_ = 0;
};

/// Maps a memfd, at most `limit` bytes. Kind::invalid when it is not sealed against writing and shrinking: then its
/// owner could change it under our hands.
Result<Mapping> map_sealed_memory(const Fd& fd, std::size_t limit);

/// Gives back the pages of this program's code and constants; those needed again come from the page cache. For a
/// program that did its work and now waits for a long time.
void forget_program_pages();

}  // namespace tank::sys
