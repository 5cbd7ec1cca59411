// ensure_image(): which way to go, by transport and pull policy. The cached way comes first and touches nothing but a
// few small files.
#include "image/ensure.h"

#include <system_error>

#include "image/local_origins.h"
#include "image/pull.h"
#include "image/store.h"
#include "sys/file_stream.h"
#include "tank/image.h"

namespace tank {

namespace image {

namespace {

Result<Image> use_rootfs(const Reference& reference, const std::string& asked) {
  const sys::FileStatus status = TRY(sys::status_of_path(reference.path).while_doing("image ", asked));
  if (status.type != sys::FileType::directory) {
    return error(Kind::invalid, "image ", asked, ": it is no directory");
  }
  return Image{asked, "", "", {}, {reference.path}};
}

void report(const PullOptions& options, PullProgress::Stage stage) {
  if (options.progress) options.progress({stage, "", 0, 0});
}

// Blobs that are all there but not all unpacked need no network either.
Result<Image> unpack_stored(const Store& reading, const Entry& entry, const std::string& asked,
                            const PullOptions& options) {
  const Store store = TRY(Store::open_for_writing(reading.data_dir()));
  const std::unique_ptr<Origin> origin = store_origin(store, entry);
  const ReceivedDocument top = TRY(origin->top());
  return pull(store, *origin, top, {entry.reference, asked, entry.source}, options);
}

Result<Image> use_entry(const Store& store, const Entry& entry, const std::string& asked, const PullOptions& options) {
  std::optional<Image> image = TRY(assemble(store, entry, asked));
  if (!image) return unpack_stored(store, entry, asked, options);
  report(options, PullProgress::Stage::cached);
  return *std::move(image);
}

Error never_pulled(const std::string& asked, const std::string& why) {
  return error(Kind::not_found, "image ", asked, ": ", why, ", and its pull policy is Never");
}

Result<Image> pull_from_registry(const Store& reading, const std::optional<Entry>& entry, const Reference& reference,
                                 const std::string& asked, const PullOptions& options, const Patience& patience) {
  report(options, PullProgress::Stage::resolving);
  const std::unique_ptr<Registry> registry = TRY(Registry::connect(reference, options, patience));
  if (entry) {
    const std::optional<Digest> current = TRY(registry->current_digest());
    const std::string digest = current ? to_string(*current) : std::string();
    if (digest == entry->source || digest == to_string(entry->manifest.digest)) {
      Result<Image> image = use_entry(reading, *entry, asked, options);
      if (image || image.error().kind() == Kind::aborted) return image;
    }
  }
  const ReceivedDocument top = TRY(registry->top());
  const Store store = TRY(Store::open_for_writing(reading.data_dir()));
  return pull(store, *registry, top, {to_string(reference), asked, to_string(top.digest)}, options);
}

Result<Image> ensure_from_registry(const std::filesystem::path& data_dir, const Reference& reference,
                                   const std::string& asked, PullPolicy policy, const PullOptions& options,
                                   const Patience& patience) {
  const Store reading = Store::at(data_dir);
  Result<std::optional<Entry>> entry = reading.find(reference);
  if (policy == PullPolicy::never) {
    if (!entry) return std::move(entry.error()).while_doing("image " + asked);
    if (!*entry) return never_pulled(asked, "it is not in the store");
    Result<Image> image = use_entry(reading, **entry, asked, options);
    if (!image && image.error().kind() == Kind::not_found) return never_pulled(asked, image.error().sentence());
    return std::move(image).while_doing("image ", asked);
  }
  // A damaged index.json is an error here as well: pulling could not write a sound one over it.
  if (!entry) return std::move(entry.error()).while_doing("image " + asked);
  if (policy == PullPolicy::if_not_present && *entry) {
    Result<Image> image = use_entry(reading, **entry, asked, options);
    const Kind kind = image ? Kind::bug : image.error().kind();
    if (kind != Kind::not_found && kind != Kind::corrupt) return std::move(image).while_doing("image ", asked);
  }
  return pull_from_registry(reading, *entry, reference, asked, options, patience).while_doing("image ", asked);
}

// The layout or archive is at hand whatever the policy says; it is only read beyond its documents when what it holds is
// not here yet.
Result<Image> ensure_from_files(const std::filesystem::path& data_dir, Reference reference, const std::string& asked,
                                const PullOptions& options) {
  std::error_code failure;
  reference.path = std::filesystem::absolute(reference.path, failure).lexically_normal();
  if (failure) return Error::from_errno(failure.value(), "finding out the current directory");
  const std::unique_ptr<ImageFiles> files = TRY(open_image_files(reference, data_dir, options));
  const std::vector<OfferedImage> offered = TRY(offered_images(*files, reference.transport));
  const OfferedImage chosen = TRY(choose_image(offered, reference.tag));
  const std::unique_ptr<Origin> origin = TRY(open_origin(*files, reference.transport, chosen));
  const ReceivedDocument top = TRY(origin->top());
  const Store reading = Store::at(data_dir);
  const std::optional<Entry> entry = TRY(reading.find(reference));
  if (entry && entry->source == to_string(top.digest)) {
    const Result<std::optional<Image>> image = assemble(reading, *entry, asked);
    if (image && *image) {
      report(options, PullProgress::Stage::cached);
      return **image;
    }
  }
  const Store store = TRY(Store::open_for_writing(data_dir));
  return pull(store, *origin, top, {to_string(reference), asked, to_string(top.digest)}, options);
}

}  // namespace

Result<Image> ensure(const std::filesystem::path& data_dir, const std::string& asked, PullPolicy policy,
                     const PullOptions& options, const Patience& patience) {
  const Reference reference = TRY(parse_reference(asked));
  switch (reference.transport) {
    case Reference::Transport::rootfs: return use_rootfs(reference, asked);
    case Reference::Transport::registry:
      return ensure_from_registry(data_dir, reference, asked, policy, options, patience);
    default: return ensure_from_files(data_dir, reference, asked, options).while_doing("image ", asked);
  }
}

}  // namespace image

Result<Image> ensure_image(const std::filesystem::path& data_dir, const std::string& reference, PullPolicy policy,
                           const PullOptions& options) {
  return image::ensure(data_dir, reference, policy, options, image::Patience{});
}

}  // namespace tank
