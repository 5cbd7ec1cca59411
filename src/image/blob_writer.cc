#include "image/blob_writer.h"

#include <vector>

#include "sys/file.h"
#include "sys/file_stream.h"

namespace tank::image {

Result<BlobWriter> BlobWriter::resume(sys::Fd file, const Descriptor& descriptor) {
  BlobWriter writer(std::move(file), descriptor);
  const sys::FileStatus status = TRY(sys::status_of(writer.file_));
  if (status.size > descriptor.size) {
    TRY(writer.restart());
    return writer;
  }
  TRY(sys::seek_to(writer.file_, 0));
  std::vector<char> buffer(std::size_t{1} << 17U);
  while (const std::size_t got = TRY(sys::read_some(writer.file_, buffer.data(), buffer.size()))) {
    writer.hasher_.update({buffer.data(), got});
    writer.offset_ += got;
  }
  return writer;
}

Result<> BlobWriter::write(std::string_view bytes) {
  if (bytes.size() > descriptor_.size - offset_) {
    return error(Kind::corrupt, "more bytes come than the ", descriptor_.size, " that its descriptor says");
  }
  TRY(sys::write_all(file_, bytes));
  hasher_.update(bytes);
  offset_ += bytes.size();
  if (progress) progress(offset_);
  return {};
}

Result<> BlobWriter::restart() {
  TRY(sys::resize(file_, 0));
  TRY(sys::seek_to(file_, 0));
  hasher_ = Hasher(descriptor_.digest.algorithm());
  offset_ = 0;
  return {};
}

Result<> BlobWriter::finish() {
  if (offset_ != descriptor_.size) {
    return error(Kind::corrupt, "it ended after ", offset_, " bytes, its descriptor says ", descriptor_.size);
  }
  const Digest found = hasher_.finish();
  if (found != descriptor_.digest) {
    return error(Kind::corrupt, "its digest is ", to_string(found), ", not ", to_string(descriptor_.digest));
  }
  return sys::sync_file(file_);
}

}  // namespace tank::image
