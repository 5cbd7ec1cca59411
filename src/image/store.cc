#include "image/store.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/parse.h"
#include "image/pause.h"
#include "image/store_index.h"
#include "sys/file.h"
#include "sys/file_stream.h"

namespace tank::image {

namespace {

constexpr std::string_view kLayoutFile = R"({"imageLayoutVersion":"1.0.0"})";
constexpr std::string_view kEmptyIndex =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]})";
constexpr std::size_t kMaxIndex = std::size_t{64} << 20U;
// A download that nobody went on with for so long is given up.
constexpr std::int64_t kPartialLifetimeSeconds = 24 * 3600;

bool stands(const std::filesystem::path& path) { return sys::status_of_path(path).has_value(); }

Result<> ensure_blob_dir(const std::filesystem::path& directory) {
  if (stands(directory)) return {};
  TRY(sys::ensure_dir(directory, 0755));
  return sys::sync_dir(directory.parent_path());
}

Result<> ensure_layout(const std::filesystem::path& images) {
  TRY(sys::ensure_dir(images, 0700));
  TRY(sys::ensure_dir(images / "partial", 0700));
  TRY(sys::ensure_dir(images / "blobs", 0755));
  TRY(ensure_blob_dir(images / "blobs/sha256"));
  if (stands(images / "oci-layout") && stands(images / "index.json")) return {};
  const sys::DirFd lock = TRY(sys::open_dir(images));
  TRY(sys::lock_file(lock, sys::Lock::exclusive));
  if (!stands(images / "index.json")) {
    TRY(sys::replace_file(images / "index.json", kEmptyIndex, 0644, sys::Durable::yes));
  }
  if (!stands(images / "oci-layout")) {
    TRY(sys::replace_file(images / "oci-layout", kLayoutFile, 0644, sys::Durable::yes));
  }
  return sys::sync_dir(images.parent_path());
}

// Nobody but a writer that holds the file's lock may be using it.
void sweep_partial(const sys::DirFd& partial) {
  const Result<std::vector<std::string>> names = sys::list_dir(partial);
  if (!names) return;
  const std::int64_t now = std::time(nullptr);
  for (const std::string& name : *names) {
    const Result<sys::FileStatus> status = sys::status_at(partial, name);
    if (!status || status->modified.seconds > now - kPartialLifetimeSeconds) continue;
    const Result<sys::Fd> file = sys::open_at(partial, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    if (!file) continue;
    const Result<bool> ours = sys::try_lock_file(*file, sys::Lock::exclusive);
    if (ours && *ours) (void)sys::unlink_at(partial, name);
  }
}

// Every writer of index.json holds the lock, so a file written aside that is there now belongs to a dead one.
void sweep_aside(const sys::DirFd& images) {
  const Result<std::vector<std::string>> names = sys::list_dir(images);
  if (!names) return;
  for (const std::string& name : *names) {
    const bool aside = name.size() > 4 && name.substr(name.size() - 4) == ".new";
    if (aside && (name.rfind("index.json.", 0) == 0 || name.rfind("oci-layout.", 0) == 0)) {
      (void)sys::unlink_at(images, name);
    }
  }
}

std::string partial_name(const Digest& digest) { return concat(digest.algorithm_name(), "-", digest.hex()); }

// The lock of a partial file, held. `fresh` is false when the file was finished or removed while we waited.
struct Claim {
  sys::Fd file;
  bool fresh = false;
};

Result<> wait_for_lock(const sys::Fd& file, const Store::Fetch& fetch) {
  for (bool told = false;; told = true) {
    const bool ours = TRY(sys::try_lock_file(file, sys::Lock::exclusive));
    if (ours) return {};
    if (!told && fetch.waiting) fetch.waiting();
    if (!fetch.stop.stop_possible()) return sys::lock_file(file, sys::Lock::exclusive);
    // flock(2) has no descriptor to wait on together with a stop.
    TRY(pause_for(std::chrono::milliseconds(20), fetch.stop).while_doing("waiting for another pull of the same blob"));
  }
}

Result<Claim> claim(const sys::DirFd& partial, const std::string& name, const Store::Fetch& fetch) {
  Claim claimed;
  claimed.file = TRY(sys::open_at(partial, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0644));
  TRY(wait_for_lock(claimed.file, fetch));
  const sys::FileStatus held = TRY(sys::status_of(claimed.file));
  const Result<sys::FileStatus> named = sys::status_at(partial, name);
  claimed.fresh = named && named->filesystem == held.filesystem && named->inode == held.inode;
  return claimed;
}

// What is worth going on with later: bytes that only stopped coming, not bytes that are wrong.
bool keeps_partial(Kind kind) { return kind == Kind::unavailable || kind == Kind::timeout || kind == Kind::aborted; }

Result<> fill(BlobWriter& writer, const Store::Fetch& fetch) {
  if (writer.offset() < writer.descriptor().size) TRY(fetch.bytes(writer));
  return writer.finish();
}

Result<> fill_and_check(BlobWriter& writer, const Store::Fetch& fetch) {
  const bool resumed = writer.offset() > 0;
  Result<> filled = fill(writer, fetch);
  if (filled || !resumed || filled.error().kind() != Kind::corrupt) return filled;
  // A partial file is not synced while it grows: a power cut may have left holes in it.
  TRY(writer.restart());
  return fill(writer, fetch);
}

}  // namespace

std::filesystem::path Store::blob_path(const Digest& digest) const {
  return images_dir() / "blobs" / digest.algorithm_name() / digest.hex();
}

Result<Store> Store::open_for_writing(const std::filesystem::path& data_dir) {
  TRY(sys::ensure_dir(data_dir, 0700));
  Store store(data_dir);
  TRY(ensure_layout(store.images_dir()).while_doing("image store in '", data_dir.native(), "'"));
  store.partial_ = TRY(sys::open_dir(store.partial_dir()));
  TRY(sys::lock_file(store.partial_, sys::Lock::shared));
  sweep_partial(store.partial_);
  return store;
}

Result<std::vector<Entry>> Store::entries() const {
  const Result<std::string> text = sys::read_file(images_dir() / "index.json", kMaxIndex);
  if (!text && text.error().kind() == Kind::not_found) return std::vector<Entry>();
  if (!text) return text.error();
  return parse_store_index(*text).while_doing("'", (images_dir() / "index.json").native(), "'");
}

Result<std::optional<Entry>> Store::find(const Reference& reference) const {
  std::vector<Entry> all = TRY(entries());
  const std::string name = to_string(reference);
  const std::string wanted = reference.digest ? to_string(*reference.digest) : std::string();
  for (Entry& entry : all) {
    if (!reference.digest) {
      if (entry.reference == name) return std::optional<Entry>(std::move(entry));
      continue;
    }
    if (to_string(entry.manifest.digest) != wanted && entry.source != wanted) continue;
    const Result<Reference> own = parse_reference(entry.reference);
    if (own && own->transport == reference.transport && repository_name(*own) == repository_name(reference)) {
      return std::optional<Entry>(std::move(entry));
    }
  }
  return std::optional<Entry>();
}

Result<std::string> Store::read_document(const Descriptor& descriptor) const {
  const std::string name = to_string(descriptor.digest);
  const std::filesystem::path path = blob_path(descriptor.digest);
  if (descriptor.size > kMaxConfig) return error(Kind::corrupt, "document ", name, " is over ", kMaxConfig, " bytes");
  const Result<std::string> text = sys::read_file(path, kMaxConfig);
  if (!text && text.error().kind() == Kind::not_found)
    return error(Kind::not_found, "blob ", name, " is not in the store");
  if (!text && text.error().kind() != Kind::invalid) return text.error();
  if (!text || text->size() != descriptor.size ||
      digest_of(*text, descriptor.digest.algorithm()) != descriptor.digest) {
    return error(Kind::corrupt, "blob ", name, " in the store is damaged");
  }
  return *text;
}

Result<sys::Fd> Store::open_blob(const Descriptor& descriptor) const {
  sys::Fd file = TRY(sys::open_path(blob_path(descriptor.digest), O_RDONLY | O_NOFOLLOW));
  const sys::FileStatus status = TRY(sys::status_of(file));
  if (status.type != sys::FileType::regular || status.size != descriptor.size) {
    return error(Kind::corrupt, "blob ", to_string(descriptor.digest), " in the store is damaged: its size is wrong");
  }
  return file;
}

bool Store::has_blob(const Descriptor& descriptor) const { return open_blob(descriptor).has_value(); }

Result<Store::Outcome> Store::ensure_blob(const Descriptor& descriptor, Reuse reuse, const Fetch& fetch) const {
  const auto is_there = [&] {
    return reuse == Reuse::size_checked ? has_blob(descriptor) : read_document(descriptor).has_value();
  };
  const std::string name = partial_name(descriptor.digest);
  const std::filesystem::path directory = blob_path(descriptor.digest).parent_path();
  for (;;) {
    if (is_there()) return Outcome::reused;
    Claim claimed = TRY(claim(partial_, name, fetch));
    if (!claimed.fresh) continue;
    // Somebody may have finished it between our look and our claim.
    if (is_there()) {
      TRY(sys::unlink_at(partial_, name));
      return Outcome::reused;
    }
    TRY(ensure_blob_dir(directory));
    BlobWriter writer = TRY(BlobWriter::resume(std::move(claimed.file), descriptor));
    const Result<> filled = fill_and_check(writer, fetch);
    if (!filled) {
      if (!keeps_partial(filled.error().kind()) || writer.offset() == 0) (void)sys::unlink_at(partial_, name);
      return filled.error();
    }
    const sys::DirFd blobs = TRY(sys::open_dir(directory));
    TRY(sys::rename_at(partial_, name, blobs, descriptor.digest.hex()));
    TRY(sys::sync_file(blobs));
    return Outcome::fetched;
  }
}

Result<> Store::discard_blob(const Digest& digest) const {
  const std::filesystem::path path = blob_path(digest);
  const sys::DirFd directory = TRY(sys::open_dir(path.parent_path()));
  return sys::remove_tree_at(directory, digest.hex());
}

namespace {

Result<> replace_index(const std::filesystem::path& images,
                       const std::function<Result<std::string>(std::string_view)>& edit) {
  const sys::DirFd lock = TRY(sys::open_dir(images));
  TRY(sys::lock_file(lock, sys::Lock::exclusive));
  sweep_aside(lock);
  const std::string before = TRY(sys::read_file(images / "index.json", kMaxIndex));
  const std::string after = TRY(edit(before).while_doing("'", (images / "index.json").native(), "'"));
  if (after == before) return {};
  return sys::replace_file(images / "index.json", after, 0644, sys::Durable::yes);
}

}  // namespace

Result<> Store::add_entry(const Entry& entry) const {
  return replace_index(images_dir(), [&](std::string_view text) { return with_entry(text, entry); });
}

Result<> Store::remove_entries(const std::function<bool(const Entry&)>& chosen) const {
  return replace_index(images_dir(), [&](std::string_view text) { return without_entries(text, chosen); });
}

Result<std::optional<Store::Collected>> Store::collect(const std::function<bool(const Digest&)>& needed,
                                                       const std::function<Result<>()>& meanwhile) const {
  const sys::DirFd partial = TRY(sys::open_dir(partial_dir()));
  const bool alone = TRY(sys::try_lock_file(partial, sys::Lock::exclusive));
  if (!alone) return std::optional<Collected>();
  Collected collected;
  for (const std::string_view algorithm : {std::string_view("sha256"), std::string_view("sha512")}) {
    const Result<sys::DirFd> blobs = sys::open_dir(images_dir() / "blobs" / algorithm);
    if (!blobs) continue;
    const std::vector<std::string> names = TRY(sys::list_dir(*blobs));
    for (const std::string& name : names) {
      const Result<Digest> digest = parse_digest(concat(algorithm, ":", name));
      if (!digest || needed(*digest)) continue;
      const sys::FileStatus status = TRY(sys::status_at(*blobs, name));
      TRY(sys::unlink_at(*blobs, name));
      ++collected.blobs;
      collected.bytes += status.size;
    }
  }
  TRY(meanwhile());
  return std::optional<Collected>(collected);
}

}  // namespace tank::image
