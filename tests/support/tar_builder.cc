#include "support/tar_builder.h"

#include <algorithm>

namespace tank::test {

namespace {

constexpr std::size_t kBlock = 512;

void put(std::string& block, std::size_t offset, std::size_t room, std::string_view text) {
  const std::string_view cut = text.substr(0, room);
  std::copy(cut.begin(), cut.end(), block.begin() + static_cast<std::ptrdiff_t>(offset));
}

/// Octal with a NUL at the end, or the high bit and base 256.
void put_number(std::string& block, std::size_t offset, std::size_t room, std::uint64_t number) {
  const std::size_t digits = room - 1;
  if (digits * 3 >= 64 || number < (std::uint64_t{1} << (digits * 3))) {
    for (std::size_t at = digits; at-- > 0; number >>= 3U) block[offset + at] = static_cast<char>('0' + (number & 7U));
    return;
  }
  for (std::size_t at = room; at-- > 1; number >>= 8U) block[offset + at] = static_cast<char>(number & 0xffU);
  block[offset] = static_cast<char>(0x80);
}

void put_checksum(std::string& block, int error) {
  put(block, 148, 8, "        ");
  int sum = error;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  put_number(block, 148, 7, static_cast<std::uint64_t>(sum));
  block[155] = ' ';
}

std::string header_block(const TarHeader& header) {
  std::string block(kBlock, '\0');
  put(block, 0, 100, header.name);
  put_number(block, 100, 8, header.mode);
  put_number(block, 108, 8, header.uid);
  put_number(block, 116, 8, header.gid);
  put_number(block, 124, 12, header.size);
  put_number(block, 136, 12, static_cast<std::uint64_t>(header.mtime));
  block[156] = header.type;
  put(block, 157, 100, header.link);
  put(block, 257, 8, header.magic);
  put_number(block, 329, 8, header.device_major);
  put_number(block, 337, 8, header.device_minor);
  put(block, 345, 155, header.prefix);
  put_checksum(block, header.checksum_error);
  return block;
}

bool needs_pax(const std::string& text) {
  return text.size() > 100 ||
         std::any_of(text.begin(), text.end(), [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; });
}

std::string nanoseconds(std::int64_t count) {
  const std::string digits = std::to_string(count);
  return std::string(9 - digits.size(), '0') + digits;
}

}  // namespace

std::string pax_record(const std::string& key, const std::string& value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
  return std::to_string(length) + ' ' + key + '=' + value + '\n';
}

TarBuilder& TarBuilder::entry(TarHeader header, std::string_view content, const TarMeta& meta) {
  std::vector<std::pair<std::string, std::string>> records;
  if (needs_pax(header.name)) records.emplace_back("path", header.name);
  if (needs_pax(header.link)) records.emplace_back("linkpath", header.link);
  if (meta.mtime_nanoseconds != 0) {
    records.emplace_back("mtime", std::to_string(meta.mtime) + '.' + nanoseconds(meta.mtime_nanoseconds));
  }
  for (const auto& [name, value] : meta.attributes) records.emplace_back("SCHILY.xattr." + name, value);
  if (!records.empty()) pax(records);
  header.uid = meta.uid;
  header.gid = meta.gid;
  header.mtime = meta.mtime;
  header.size = content.size();
  return this->header(header).data(content);
}

TarBuilder& TarBuilder::directory(const std::string& name, unsigned mode, const TarMeta& meta) {
  return entry({.name = name.ends_with('/') ? name : name + '/', .mode = mode, .type = '5'}, {}, meta);
}

TarBuilder& TarBuilder::file(const std::string& name, std::string_view content, unsigned mode, const TarMeta& meta) {
  return entry({.name = name, .mode = mode}, content, meta);
}

TarBuilder& TarBuilder::symlink(const std::string& name, const std::string& target, const TarMeta& meta) {
  return entry({.name = name, .mode = 0777, .type = '2', .link = target}, {}, meta);
}

TarBuilder& TarBuilder::hard_link(const std::string& name, const std::string& target) {
  return entry({.name = name, .type = '1', .link = target}, {}, {});
}

TarBuilder& TarBuilder::character(const std::string& name, unsigned major, unsigned minor, unsigned mode,
                                  const TarMeta& meta) {
  return entry({.name = name, .mode = mode, .type = '3', .device_major = major, .device_minor = minor}, {}, meta);
}

TarBuilder& TarBuilder::block(const std::string& name, unsigned major, unsigned minor, unsigned mode,
                              const TarMeta& meta) {
  return entry({.name = name, .mode = mode, .type = '4', .device_major = major, .device_minor = minor}, {}, meta);
}

TarBuilder& TarBuilder::fifo(const std::string& name, unsigned mode, const TarMeta& meta) {
  return entry({.name = name, .mode = mode, .type = '6'}, {}, meta);
}

TarBuilder& TarBuilder::whiteout(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t base = slash == std::string::npos ? 0 : slash + 1;
  return file(path.substr(0, base) + ".wh." + path.substr(base), {});
}

TarBuilder& TarBuilder::opaque(const std::string& directory) {
  return file(directory.empty() ? ".wh..wh..opq" : directory + "/.wh..wh..opq", {});
}

TarBuilder& TarBuilder::sparse_gnu(const std::string& name, std::uint64_t size, const std::vector<TarExtent>& extents) {
  constexpr std::size_t kInHeader = 4;
  constexpr std::size_t kInExtension = 21;
  std::string content;
  for (const TarExtent& extent : extents) content += extent.bytes;
  std::string block =
      header_block({.name = name, .size = content.size(), .type = 'S', .magic = std::string("ustar  \0", 8)});
  std::string extensions;
  for (std::size_t index = 0; index < extents.size(); ++index) {
    const bool inside = index < kInHeader;
    const std::size_t slot = inside ? index : (index - kInHeader) % kInExtension;
    if (!inside && slot == 0) extensions.append(kBlock, '\0');
    std::string& target = inside ? block : extensions;
    const std::size_t at = (inside ? 386 : extensions.size() - kBlock) + slot * 24;
    put_number(target, at, 12, extents[index].offset);
    put_number(target, at + 12, 12, extents[index].bytes.size());
  }
  block[482] = extensions.empty() ? '\0' : '\1';
  for (std::size_t at = 0; at + kBlock < extensions.size(); at += kBlock) extensions[at + 504] = '\1';
  put_number(block, 483, 12, size);
  put_checksum(block, 0);
  return raw(block).raw(extensions).data(content);
}

TarBuilder& TarBuilder::sparse_pax(const std::string& name, std::uint64_t size, const std::vector<TarExtent>& extents) {
  std::string map = std::to_string(extents.size()) + '\n';
  std::string content;
  for (const TarExtent& extent : extents) {
    map += std::to_string(extent.offset) + '\n' + std::to_string(extent.bytes.size()) + '\n';
    content += extent.bytes;
  }
  map.resize((map.size() + kBlock - 1) / kBlock * kBlock, '\0');
  pax({{"GNU.sparse.major", "1"},
       {"GNU.sparse.minor", "0"},
       {"GNU.sparse.name", name},
       {"GNU.sparse.realsize", std::to_string(size)}});
  return header({.name = "GNUSparseFile.0/file", .size = map.size() + content.size()}).data(map + content);
}

TarBuilder& TarBuilder::long_name(const std::string& name) {
  return header({.name = "././@LongLink", .size = name.size() + 1, .type = 'L', .magic = std::string("ustar  \0", 8)})
      .data(name + '\0');
}

TarBuilder& TarBuilder::long_link(const std::string& link) {
  return header({.name = "././@LongLink", .size = link.size() + 1, .type = 'K', .magic = std::string("ustar  \0", 8)})
      .data(link + '\0');
}

TarBuilder& TarBuilder::header(const TarHeader& header) { return raw(header_block(header)); }

TarBuilder& TarBuilder::data(std::string_view bytes) {
  raw(bytes);
  bytes_.append((kBlock - bytes.size() % kBlock) % kBlock, '\0');
  return *this;
}

TarBuilder& TarBuilder::pax(const std::vector<std::pair<std::string, std::string>>& records) {
  std::string body;
  for (const auto& [key, value] : records) body += pax_record(key, value);
  return pax_body(body);
}

TarBuilder& TarBuilder::pax_body(std::string_view body, char type) {
  return header({.name = "PaxHeaders/entry", .size = body.size(), .type = type}).data(body);
}

TarBuilder& TarBuilder::raw(std::string_view bytes) {
  bytes_ += bytes;
  return *this;
}

TarBuilder& TarBuilder::end_blocks(unsigned count) {
  end_blocks_ = count;
  return *this;
}

std::string TarBuilder::bytes() const { return bytes_ + std::string(end_blocks_ * kBlock, '\0'); }

}  // namespace tank::test
