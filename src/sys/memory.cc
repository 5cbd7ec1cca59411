#include "sys/memory.h"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace tank::sys {

namespace {
constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
}

Result<Fd> make_sealed_memory(const char* name, std::string_view bytes) {
  Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open()) return errno_error("making a memory file");
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno != EINTR) return errno_error("writing a memory file");
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) < 0) return errno_error("sealing a memory file");
  return fd;
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    reset();
    base_ = std::exchange(other.base_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void Mapping::reset() {
  if (base_ != nullptr) ::munmap(base_, size_);
  base_ = nullptr;
  size_ = 0;
}

Result<Mapping> map_sealed_memory(const Fd& fd, std::size_t limit) {
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & (F_SEAL_WRITE | F_SEAL_SHRINK)) != (F_SEAL_WRITE | F_SEAL_SHRINK)) {
    return error(Kind::invalid, "mapping a memory file: it is not sealed");
  }
  struct stat about {};
  if (::fstat(fd.get(), &about) < 0) return errno_error("asking a memory file for its size");
  const auto size = static_cast<std::size_t>(about.st_size);
  if (size == 0 || size > limit)
    return error(Kind::invalid, "mapping a memory file: its size of ", size, " is out of bounds");
  Mapping mapping;
  void* base = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (base == MAP_FAILED) return errno_error("mapping a memory file");
  mapping.base_ = base;
  mapping.size_ = size;
  return mapping;
}

namespace {

/// The read-only segments of this program: two or three, as linkers make them.
struct Segments {
  std::array<std::pair<std::uintptr_t, std::size_t>, 8> ranges;
  std::size_t count = 0;
};

/// The first object is the program itself; a non-zero answer ends the iteration (dl_iterate_phdr(3)).
int collect_segments(dl_phdr_info* program, std::size_t, void* argument) {
  auto& segments = *static_cast<Segments*>(argument);
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < program->dlpi_phnum && segments.count < segments.ranges.size(); ++i) {
    const auto& segment = program->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t start = (program->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    segments.ranges[segments.count++] = {start, program->dlpi_addr + segment.p_vaddr + segment.p_memsz - start};
  }
  return 1;
}

}  // namespace

void forget_program_pages() {
  Segments segments;
  ::dl_iterate_phdr(&collect_segments, &segments);
  for (std::size_t i = 0; i < segments.count; ++i) {
    // Through syscall(2), as the wait that follows is (epoll.cc): each C library function that runs from here on brings
    // sixteen pages of its neighbours back.
    ::syscall(SYS_madvise, segments.ranges[i].first, segments.ranges[i].second, MADV_DONTNEED);
  }
}

}  // namespace tank::sys
