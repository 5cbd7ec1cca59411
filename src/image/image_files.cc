#include "image/image_files.h"

#include <fcntl.h>

#include <vector>

#include "sys/file.h"
#include "sys/file_stream.h"

namespace tank::image {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 17U;

class DirectoryFiles : public ImageFiles {
 public:
  explicit DirectoryFiles(sys::DirFd directory) : directory_(std::move(directory)) {}

  bool has(const std::string& name) const override { return open(name).has_value(); }

  Result<std::uint64_t> size(const std::string& name) const override {
    const sys::Fd file = TRY(open(name));
    const sys::FileStatus status = TRY(sys::status_of(file));
    return status.size;
  }

  Result<> stream(const std::string& name, std::uint64_t offset,
                  const std::function<Result<More>(std::string_view)>& sink) const override {
    const sys::Fd file = TRY(open(name));
    TRY(sys::seek_to(file, offset));
    std::vector<char> buffer(kPiece);
    while (const std::size_t got = TRY(sys::read_some(file, buffer.data(), buffer.size()))) {
      const More more = TRY(sink({buffer.data(), got}));
      if (more == More::no) return {};
    }
    return {};
  }

 private:
  // Who made the directory may have put a link or a fifo there: neither leaves it nor blocks.
  Result<sys::Fd> open(const std::string& name) const {
    sys::Fd file = TRY(sys::open_in_root(directory_, name, O_RDONLY | O_NONBLOCK));
    const sys::FileStatus status = TRY(sys::status_of(file));
    if (status.type != sys::FileType::regular) return error(Kind::invalid, "'", name, "' is no regular file");
    return file;
  }

  sys::DirFd directory_;
};

}  // namespace

Result<std::string> ImageFiles::read(const std::string& name, std::size_t limit) const {
  std::string out;
  TRY(stream(name, 0, [&](std::string_view bytes) -> Result<More> {
    if (out.size() + bytes.size() > limit) return error(Kind::corrupt, "'", name, "' is over ", limit, " bytes");
    out += bytes;
    return More::yes;
  }));
  return out;
}

Result<std::string> ImageFiles::beginning(const std::string& name, std::size_t count) const {
  std::string out;
  TRY(stream(name, 0, [&](std::string_view bytes) -> Result<More> {
    out += bytes.substr(0, count - out.size());
    return out.size() < count ? More::yes : More::no;
  }));
  return out;
}

Result<std::unique_ptr<ImageFiles>> open_directory_files(const std::filesystem::path& directory) {
  sys::DirFd fd = TRY(sys::open_dir(directory));
  return std::unique_ptr<ImageFiles>(std::make_unique<DirectoryFiles>(std::move(fd)));
}

}  // namespace tank::image
