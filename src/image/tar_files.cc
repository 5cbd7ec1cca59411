// A tar file as ImageFiles. libarchive reads the format; every reader has its own position in the one open file, so
// that layers can be read side by side. Only the tar format is linked, so nothing else can be fed to the parser.
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

#include "image/harmless.h"
#include "image/image_files.h"
#include "sys/file.h"
#include "sys/file_stream.h"

namespace tank::image {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 17U;
constexpr std::size_t kMaxEntries = 100'000;
constexpr int kMaxLinks = 8;

// What libarchive's callbacks read from.
struct Position {
  int fd = -1;
  std::uint64_t offset = 0;
  std::vector<char> buffer = std::vector<char>(kPiece);
};

la_ssize_t on_read(archive* reader, void* user, const void** data) {
  auto& position = *static_cast<Position*>(user);
  for (;;) {
    const ssize_t got =
        ::pread(position.fd, position.buffer.data(), position.buffer.size(), static_cast<off_t>(position.offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      archive_set_error(reader, errno, "reading");
      return -1;
    }
    position.offset += static_cast<std::uint64_t>(got);
    *data = position.buffer.data();
    return got;
  }
}

la_int64_t on_skip(archive*, void* user, la_int64_t count) {
  static_cast<Position*>(user)->offset += static_cast<std::uint64_t>(count);
  return count;
}

class Reader {
 public:
  enum class Kind : std::uint8_t { tar, compressed };

  explicit Reader(const sys::Fd& file, Kind kind) : archive_(archive_read_new()) {
    position_.fd = file.get();
    if (kind == Kind::tar) {
      archive_read_support_format_tar(archive_);
      archive_read_set_skip_callback(archive_, &on_skip);
    } else {
      archive_read_support_format_raw(archive_);
      archive_read_support_filter_gzip(archive_);
      archive_read_support_filter_zstd(archive_);
    }
    archive_read_set_read_callback(archive_, &on_read);
    archive_read_set_callback_data(archive_, &position_);
  }
  ~Reader() { archive_read_free(archive_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<> open() { return check(archive_read_open1(archive_)); }

  /// Null at the end.
  Result<archive_entry*> next() {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(archive_, &entry);
    if (code == ARCHIVE_EOF) return static_cast<archive_entry*>(nullptr);
    // A warning is about a character set, which is no matter here.
    if (code != ARCHIVE_WARN) TRY(check(code));
    return entry;
  }

  /// 0 at the end of the entry.
  Result<std::size_t> read(char* buffer, std::size_t size) {
    const la_ssize_t got = archive_read_data(archive_, buffer, size);
    if (got < 0) return broken();
    return static_cast<std::size_t>(got);
  }

 private:
  Result<> check(int code) {
    if (code != ARCHIVE_OK) return broken();
    return {};
  }
  Error broken() {
    const char* why = archive_error_string(archive_);
    return error(tank::Kind::corrupt, "the archive cannot be read: ", why != nullptr ? harmless(why) : "unknown error");
  }

  Position position_;
  archive* archive_;
};

std::string plain_name(std::string_view name) {
  while (name.substr(0, 2) == "./") name.remove_prefix(2);
  return std::string(name);
}

struct Member {
  std::uint64_t size = 0;
  std::string link;  ///< what a link points to, seen from the archive's root
};

class TarFiles : public ImageFiles {
 public:
  explicit TarFiles(sys::Fd file) : file_(std::move(file)) {}

  Result<> list() {
    Reader reader(file_, Reader::Kind::tar);
    TRY(reader.open());
    while (archive_entry* entry = TRY(reader.next())) {
      const char* text = archive_entry_pathname(entry);
      if (text == nullptr) continue;
      if (members_.size() >= kMaxEntries) return error(Kind::corrupt, "the archive has over ", kMaxEntries, " entries");
      members_[plain_name(text)] = member_of(entry, text);
    }
    return {};
  }

  bool has(const std::string& name) const override { return resolve(name).has_value(); }

  Result<std::uint64_t> size(const std::string& name) const override {
    const std::string real = TRY(resolve(name));
    return members_.at(real).size;
  }

  Result<> stream(const std::string& name, std::uint64_t offset,
                  const std::function<Result<More>(std::string_view)>& sink) const override {
    const std::string real = TRY(resolve(name));
    Reader reader(file_, Reader::Kind::tar);
    TRY(reader.open());
    while (archive_entry* entry = TRY(reader.next())) {
      const char* text = archive_entry_pathname(entry);
      if (text == nullptr || plain_name(text) != real || archive_entry_filetype(entry) != AE_IFREG) continue;
      return stream_entry(reader, offset, sink);
    }
    return error(Kind::not_found, "the archive has no file '", harmless(name), "'");
  }

 private:
  // `docker save` writes a layer that occurs twice as a symbolic link to the first.
  static Member member_of(archive_entry* entry, std::string_view name) {
    Member member;
    if (archive_entry_filetype(entry) == AE_IFREG) member.size = static_cast<std::uint64_t>(archive_entry_size(entry));
    if (const char* target = archive_entry_hardlink(entry)) member.link = plain_name(target);
    if (archive_entry_filetype(entry) == AE_IFLNK && archive_entry_symlink(entry) != nullptr) {
      const std::filesystem::path parent = std::filesystem::path(name).parent_path();
      member.link = plain_name((parent / archive_entry_symlink(entry)).lexically_normal().native());
    }
    if (archive_entry_filetype(entry) == AE_IFDIR) member.link.assign(1, '/');
    return member;
  }

  Result<std::string> resolve(const std::string& name) const {
    std::string at = plain_name(name);
    for (int hop = 0; hop < kMaxLinks; ++hop) {
      const auto found = members_.find(at);
      if (found == members_.end()) break;
      if (found->second.link.empty()) return at;
      at = found->second.link;
    }
    return error(Kind::not_found, "the archive has no file '", harmless(name), "'");
  }

  static Result<> stream_entry(Reader& reader, std::uint64_t offset,
                               const std::function<Result<More>(std::string_view)>& sink) {
    std::vector<char> buffer(kPiece);
    std::uint64_t at = 0;
    while (const std::size_t got = TRY(reader.read(buffer.data(), buffer.size()))) {
      const std::size_t skip = at >= offset ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(got, offset - at));
      at += got;
      if (skip == got) continue;
      const More more = TRY(sink(std::string_view(buffer.data(), got).substr(skip)));
      if (more == More::no) return {};
    }
    return {};
  }

  sys::Fd file_;
  std::map<std::string, Member> members_;
};

Result<bool> is_compressed(const sys::Fd& file) {
  std::string head(4, '\0');
  const ssize_t got = ::pread(file.get(), head.data(), head.size(), 0);
  if (got < 0) return errno_error("reading");
  return head.substr(0, 2) == "\x1f\x8b" || head == "\x28\xb5\x2f\xfd";
}

Result<sys::Fd> inflate(const sys::Fd& file, const std::filesystem::path& scratch, std::uint64_t limit) {
  TRY(sys::ensure_dir(scratch, 0700));
  sys::Fd out = TRY(sys::open_path(scratch, O_TMPFILE | O_RDWR, 0600));
  Reader reader(file, Reader::Kind::compressed);
  TRY(reader.open());
  TRY(reader.next());
  std::vector<char> buffer(kPiece);
  std::uint64_t total = 0;
  while (const std::size_t got = TRY(reader.read(buffer.data(), buffer.size()))) {
    total += got;
    if (total > limit) return error(Kind::corrupt, "the archive inflates to over ", limit, " bytes");
    TRY(sys::write_all(out, {buffer.data(), got}));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<ImageFiles>> open_tar_files(const std::filesystem::path& file,
                                                   const std::filesystem::path& scratch, std::uint64_t limit) {
  sys::Fd fd = TRY(sys::open_path(file, O_RDONLY | O_NONBLOCK));
  const sys::FileStatus status = TRY(sys::status_of(fd));
  if (status.type != sys::FileType::regular) {
    return error(Kind::invalid, "archive '", file.native(), "' is no regular file");
  }
  const bool compressed = TRY(is_compressed(fd));
  if (compressed) fd = TRY(inflate(fd, scratch, limit).while_doing("archive '", file.native(), "'"));
  auto files = std::make_unique<TarFiles>(std::move(fd));
  TRY(files->list().while_doing("archive '", file.native(), "'"));
  return std::unique_ptr<ImageFiles>(std::move(files));
}

}  // namespace tank::image
