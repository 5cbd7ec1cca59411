// Writes tars byte by byte, sound ones and evil ones. It is our own on purpose: a library that reads tars must not be
// tested with tars that the same library wrote, and no library writes broken ones.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tank::test {

/// Who owns an entry and when it was changed. Nanoseconds and extended attributes make a pax header.
struct TarMeta {
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::int64_t mtime = 1'600'000'000;
  std::int64_t mtime_nanoseconds = 0;
  std::map<std::string, std::string> attributes = {};  ///< written as SCHILY.xattr.NAME
};

/// One 512-byte header, every field free. Numbers are written in octal, and in base 256 where octal has no room.
struct TarHeader {
  std::string name = {};  ///< cut to 100 bytes
  std::uint64_t mode = 0644;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::uint64_t size = 0;
  std::int64_t mtime = 0;
  char type = '0';
  std::string link = {};  ///< cut to 100 bytes
  std::uint64_t device_major = 0;
  std::uint64_t device_minor = 0;
  std::string prefix = {};  ///< cut to 155 bytes
  std::string magic = std::string(
      "ustar\0"
      "00",
      8);
  int checksum_error = 0;  ///< added to the right check sum
};

/// Where a sparse file has data.
struct TarExtent {
  std::uint64_t offset = 0;
  std::string bytes;
};

/// Every call adds one entry and gives the builder back. A name or link of more than 100 bytes, or one that is not
/// ASCII, gets a pax header by itself.
///
///   TarBuilder().directory("bin").file("bin/true", program, 0755).symlink("bin/sh", "true").bytes()
class TarBuilder {
 public:
  TarBuilder& directory(const std::string& name, unsigned mode = 0755, const TarMeta& meta = {});
  TarBuilder& file(const std::string& name, std::string_view content, unsigned mode = 0644, const TarMeta& meta = {});
  TarBuilder& symlink(const std::string& name, const std::string& target, const TarMeta& meta = {});
  TarBuilder& hard_link(const std::string& name, const std::string& target);
  TarBuilder& character(const std::string& name, unsigned major, unsigned minor, unsigned mode = 0600,
                        const TarMeta& meta = {});
  TarBuilder& block(const std::string& name, unsigned major, unsigned minor, unsigned mode = 0600,
                    const TarMeta& meta = {});
  TarBuilder& fifo(const std::string& name, unsigned mode = 0644, const TarMeta& meta = {});
  /// whiteout("etc/motd") adds the empty file "etc/.wh.motd"; opaque("etc") adds "etc/.wh..wh..opq".
  TarBuilder& whiteout(const std::string& path);
  TarBuilder& opaque(const std::string& directory);

  /// GNU's own sparse header ('S'), with extension headers from the fifth extent on.
  TarBuilder& sparse_gnu(const std::string& name, std::uint64_t size, const std::vector<TarExtent>& extents);
  /// GNU.sparse 1.0 in a pax header, the map before the data.
  TarBuilder& sparse_pax(const std::string& name, std::uint64_t size, const std::vector<TarExtent>& extents);
  /// GNU's long names: an 'L' (or, for links, a 'K') entry before the next one.
  TarBuilder& long_name(const std::string& name);
  TarBuilder& long_link(const std::string& link);

  // For the evil ones.
  /// A header as given and nothing after it.
  TarBuilder& header(const TarHeader& header);
  /// Data, padded with zeros to a whole block.
  TarBuilder& data(std::string_view bytes);
  /// A pax header ('x') with these records for the next entry.
  TarBuilder& pax(const std::vector<std::pair<std::string, std::string>>& records);
  /// A pax header whose body is exactly these bytes.
  TarBuilder& pax_body(std::string_view body, char type = 'x');
  /// Bytes as they are.
  TarBuilder& raw(std::string_view bytes);
  /// How many zero blocks end the archive: 2 unless told.
  TarBuilder& end_blocks(unsigned count);

  std::string bytes() const;

 private:
  TarBuilder& entry(TarHeader header, std::string_view content, const TarMeta& meta);

  std::string bytes_;
  unsigned end_blocks_ = 2;
};

/// "27 mtime=1600000000.123456789\n": the length counts itself.
std::string pax_record(const std::string& key, const std::string& value);

}  // namespace tank::test
