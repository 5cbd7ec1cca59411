#include "image/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <clocale>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>

#include "image/tar_name.h"

namespace tank::image {

namespace {

constexpr std::uint64_t kBlock = 512;

// libarchive bounds one pax record to 1 MB but not how long a list of a sparse file's extents may become, and it keeps
// that list in memory. More than this between two entries is an attack (CVE-2023-25153 was of this kind).
constexpr std::uint64_t kMaxHeaderBytes = 8U << 20U;

/// The "C" locale for the calling thread, as long as this lives.
class PlainLocale {
 public:
  PlainLocale() : plain_(newlocale(LC_ALL_MASK, "C", nullptr)), before_(uselocale(plain_)) {}
  ~PlainLocale() {
    uselocale(before_);
    if (plain_ != nullptr) freelocale(plain_);
  }
  PlainLocale(const PlainLocale&) = delete;
  PlainLocale& operator=(const PlainLocale&) = delete;

 private:
  locale_t plain_;
  locale_t before_;
};

Result<TarEntry::Type> type_of(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr) return TarEntry::Type::hard_link;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG: return TarEntry::Type::file;
    case AE_IFDIR: return TarEntry::Type::directory;
    case AE_IFLNK: return TarEntry::Type::symlink;
    case AE_IFCHR: return TarEntry::Type::character;
    case AE_IFBLK: return TarEntry::Type::block;
    case AE_IFIFO: return TarEntry::Type::fifo;
    case AE_IFSOCK: return TarEntry::Type::socket;
    default: return error(Kind::corrupt, "it has no type that a tar can hold");
  }
}

/// An id must fit the kernel's 32 bits, and must not be -1, which means "leave as it is" to chown(2).
Result<std::uint32_t> checked_id(std::int64_t id) {
  if (id < 0 || id >= std::numeric_limits<std::uint32_t>::max()) {
    return error(Kind::corrupt, "its owner ", id, " is no user or group id");
  }
  return static_cast<std::uint32_t>(id);
}

/// The limits of the kernel's 32-bit dev_t: 12 bits and 20 bits.
Result<> take_device(archive_entry* from, TarEntry& to) {
  const std::uint64_t major = archive_entry_rdevmajor(from);
  const std::uint64_t minor = archive_entry_rdevminor(from);
  if (major > 0xfff || minor > 0xfffff) {
    return error(Kind::corrupt, "its device number ", major, ':', minor, " does not exist");
  }
  to.device_major = static_cast<unsigned>(major);
  to.device_minor = static_cast<unsigned>(minor);
  return {};
}

void take_attributes(archive_entry* from, TarEntry& to) {
  to.attributes.clear();
  if (archive_entry_xattr_reset(from) == 0) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
    to.attributes.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
}

std::string text(const char* from) { return from != nullptr ? from : ""; }

Result<> take_entry(archive_entry* from, TarEntry& to) {
  to.type = TRY(type_of(from));
  to.link.clear();
  if (to.type == TarEntry::Type::hard_link) to.link = text(archive_entry_hardlink(from));
  if (to.type == TarEntry::Type::symlink) to.link = text(archive_entry_symlink(from));
  to.mode = archive_entry_perm(from) & 07777U;
  to.uid = TRY(checked_id(archive_entry_uid(from)));
  to.gid = TRY(checked_id(archive_entry_gid(from)));
  const std::int64_t size = archive_entry_size(from);
  if (size < 0) return error(Kind::corrupt, "its size is negative");
  to.size = static_cast<std::uint64_t>(size);
  TRY(take_device(from, to));
  to.modified = {archive_entry_mtime(from), std::clamp<std::int64_t>(archive_entry_mtime_nsec(from), 0, 999999999)};
  take_attributes(from, to);
  return {};
}

}  // namespace

class TarReader::Impl {
 public:
  explicit Impl(Source source) : source_(std::move(source)), archive_(archive_read_new()) {}
  ~Impl() { archive_read_free(archive_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<> open();
  Result<const TarEntry*> next();
  Result<Data> next_data();

 private:
  static la_ssize_t read_more(archive*, void* self, const void** bytes);
  la_ssize_t read_chunk(const void** bytes);
  /// What libarchive's last call failed of: the stream below when that broke, else what libarchive says.
  Error failure();
  Result<> check_end();

  PlainLocale locale_;
  Source source_;
  ::archive* archive_;
  TarEntry entry_;
  std::optional<Error> broken_;        ///< why the stream below gave up
  std::uint64_t read_ = 0;             ///< bytes taken from the stream
  std::uint64_t header_began_at_ = 0;  ///< `read_` when the header now being read began
  bool in_header_ = false;
  std::span<const char> last_;  ///< the piece handed out last
};

Result<> TarReader::Impl::open() {
  if (archive_ == nullptr) return error(Kind::kernel, "starting libarchive: out of memory");
  archive_read_support_format_tar(archive_);
  archive_read_set_read_callback(archive_, &Impl::read_more);
  archive_read_set_callback_data(archive_, this);
  in_header_ = true;
  if (archive_read_open1(archive_) != ARCHIVE_OK) return failure();
  return {};
}

la_ssize_t TarReader::Impl::read_more(::archive*, void* self, const void** bytes) {
  return static_cast<Impl*>(self)->read_chunk(bytes);
}

la_ssize_t TarReader::Impl::read_chunk(const void** bytes) {
  if (in_header_ && read_ - header_began_at_ > kMaxHeaderBytes) {
    broken_ = error(Kind::corrupt, "a header of the layer's tar is larger than ", kMaxHeaderBytes, " bytes");
  }
  if (!broken_) {
    Result<std::span<const char>> chunk = source_();
    if (chunk) {
      last_ = *chunk;
      read_ += chunk->size();
      *bytes = chunk->data();
      return static_cast<la_ssize_t>(chunk->size());
    }
    broken_ = std::move(chunk.error());
  }
  archive_set_error(archive_, EIO, "%s", "the stream broke off");
  return ARCHIVE_FATAL;
}

Error TarReader::Impl::failure() {
  if (broken_) return *broken_;
  const char* why = archive_error_string(archive_);
  if (archive_errno(archive_) == ENOMEM) return error(Kind::kernel, "reading the layer's tar: out of memory");
  return error(Kind::corrupt, "the layer's tar is damaged: ", why != nullptr ? why : "unreadable header");
}

Result<const TarEntry*> TarReader::Impl::next() {
  archive_entry* found = nullptr;
  in_header_ = true;
  header_began_at_ = read_;
  const int outcome = archive_read_next_header(archive_, &found);
  in_header_ = false;
  if (outcome == ARCHIVE_EOF) {
    TRY(check_end());
    return nullptr;
  }
  // The one warning that is none: in the "C" locale libarchive cannot convert a name that is not ASCII, says so with
  // this number, and gives the bytes as they are. The others leave out what the author wrote.
  const bool sound = outcome == ARCHIVE_OK || (outcome == ARCHIVE_WARN && archive_errno(archive_) == EILSEQ);
  if (!sound) return failure();
  entry_.name = text(archive_entry_pathname(found));
  TRY(take_entry(found, entry_).while_doing("the layer's entry '", printable(entry_.name), "'"));
  return &entry_;
}

Result<TarReader::Data> TarReader::Impl::next_data() {
  const void* bytes = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  const int outcome = archive_read_data_block(archive_, &bytes, &size, &offset);
  if (outcome == ARCHIVE_EOF) return Data{};
  if (outcome != ARCHIVE_OK) return failure();
  if (offset < 0) return error(Kind::corrupt, "the layer's tar is damaged: data before the beginning of a file");
  return Data{std::span(static_cast<const char*>(bytes), size), static_cast<std::uint64_t>(offset)};
}

Result<> TarReader::Impl::check_end() {
  // libarchive takes the end of the stream for the end of the archive. Where it looked for the next header there must
  // be a block of zeros (POSIX wants two; a lone one is a known habit and still a mark), and zeros to the end.
  const auto mark = static_cast<std::uint64_t>(archive_read_header_position(archive_));
  if (broken_) return *broken_;
  std::uint64_t chunk_begin = read_ - last_.size();
  const auto only_zeros = [](std::span<const char> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
  };
  if (mark > chunk_begin) last_ = last_.subspan(std::min<std::size_t>(mark - chunk_begin, last_.size()));
  while (!last_.empty() || chunk_begin < read_) {
    if (!only_zeros(last_)) {
      return error(Kind::corrupt, "the layer's tar is followed by something else");
    }
    last_ = TRY(source_());
    chunk_begin = read_;
    read_ += last_.size();
  }
  if (read_ < mark + kBlock) return error(Kind::corrupt, "the layer's tar is truncated: it has no end mark");
  return {};
}

Result<std::unique_ptr<TarReader>> TarReader::open(Source source) {
  auto impl = std::make_unique<Impl>(std::move(source));
  TRY(impl->open());
  return std::unique_ptr<TarReader>(new TarReader(std::move(impl)));
}

TarReader::TarReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TarReader::~TarReader() = default;
Result<const TarEntry*> TarReader::next() { return impl_->next(); }
Result<TarReader::Data> TarReader::next_data() { return impl_->next_data(); }

}  // namespace tank::image
