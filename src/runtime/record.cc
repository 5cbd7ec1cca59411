#include "runtime/record.h"

#include <fcntl.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>

#include "sys/file.h"

namespace tank::runtime {

namespace json = boost::json;

namespace {

constexpr std::string_view kFileName = "record";
constexpr std::size_t kMaxRecordBytes = 1U << 20U;
constexpr std::size_t kMaxUid = 63;

std::string_view name_of(OwnerLoss loss) { return loss == OwnerLoss::end_pod ? "end_pod" : "keep_running"; }

json::array to_array(const std::vector<std::string>& strings) {
  json::array array;
  for (const std::string& text : strings) array.emplace_back(text);
  return array;
}

std::string header_line(const RecordHeader& header) {
  return json::serialize(json::object{{"record", 1},
                                      {"pod", header.pod},
                                      {"uid", header.uid},
                                      {"data_dir", header.data_dir.native()},
                                      {"run_dir", header.run_dir.native()},
                                      {"owner_loss", name_of(header.owner_loss)},
                                      {"containers", to_array(header.containers)},
                                      {"links", header.links}});
}

std::string text_at(const json::object& line, std::string_view key) {
  const json::value* value = line.if_contains(key);
  const json::string* text = value ? value->if_string() : nullptr;
  return text ? std::string(*text) : std::string();
}

std::uint64_t number_at(const json::object& line, std::string_view key) {
  const json::value* value = line.if_contains(key);
  if (!value || !(value->is_int64() || value->is_uint64())) return 0;
  return value->is_uint64() ? value->get_uint64()
                            : static_cast<std::uint64_t>(std::max<std::int64_t>(0, value->get_int64()));
}

std::vector<std::string> texts_at(const json::object& line, std::string_view key) {
  std::vector<std::string> texts;
  const json::value* value = line.if_contains(key);
  const json::array* array = value ? value->if_array() : nullptr;
  if (!array) return texts;
  for (const json::value& item : *array) {
    if (const json::string* text = item.if_string()) texts.emplace_back(*text);
  }
  return texts;
}

std::optional<json::object> parse_line(std::string_view line) {
  boost::system::error_code failure;
  json::value value = json::parse(line, failure);
  if (failure || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

void fold(const json::object& line, RecordContent& content) {
  if (const std::string step = text_at(line, "begun"); !step.empty()) content.begun.push_back(step);
  if (const std::string step = text_at(line, "undone"); !step.empty()) std::erase(content.begun, step);
  if (const std::uint64_t pid = number_at(line, "shim"); pid > 1 && pid <= INT32_MAX) {
    content.shim = ProcessId{static_cast<pid_t>(pid), number_at(line, "started")};
  }
  if (line.contains("layers")) content.layers = texts_at(line, "layers");
}

Result<sys::DirFd> claim(const std::filesystem::path& directory) {
  sys::DirFd dir = TRY(sys::open_dir(directory));
  const bool mine = TRY(sys::try_lock_file(dir, sys::Lock::exclusive));
  if (!mine) return error(Kind::busy, "claiming '", directory.native(), "': its pod is running");
  // The last owner may have removed the directory between our open and our lock.
  const bool still_there = TRY(sys::is_same_file(dir, directory));
  if (!still_there) return error(Kind::not_found, "claiming '", directory.native(), "': it was just removed");
  return dir;
}

}  // namespace

Result<RecordContent> parse_record(std::string_view text) {
  RecordContent content;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    const std::optional<json::object> line = parse_line(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (first) {
      if (!line || number_at(*line, "record") != 1)
        return error(Kind::corrupt, "reading a pod's record: no valid header");
      content.header.pod = text_at(*line, "pod");
      content.header.uid = text_at(*line, "uid");
      content.header.data_dir = text_at(*line, "data_dir");
      content.header.run_dir = text_at(*line, "run_dir");
      content.header.owner_loss =
          text_at(*line, "owner_loss") == "keep_running" ? OwnerLoss::keep_running : OwnerLoss::end_pod;
      content.header.containers = texts_at(*line, "containers");
      content.header.links = std::min<std::uint64_t>(number_at(*line, "links"), kMaxLinks);
      first = false;
    } else if (line) {
      fold(*line, content);
    }
  }
  if (first) return error(Kind::corrupt, "reading a pod's record: it is empty");
  return content;
}

bool is_valid_uid(std::string_view uid) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (uid.empty() || uid.size() > kMaxUid || !alphanumeric(uid.front()) || !alphanumeric(uid.back())) return false;
  return std::all_of(uid.begin(), uid.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
}

std::string derive_uid(const Pod& pod, const std::filesystem::path& run_dir) {
  // FNV-1a, 64 bits: tells apart names that look alike once cut and cleaned.
  std::uint64_t hash = 0xcbf29ce484222325U;
  const std::string key =
      concat(std::filesystem::absolute(run_dir).lexically_normal().native(), "\n", to_string_key(pod));
  for (const char c : key) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  std::string readable = concat(pod.name_space, "-", pod.name).substr(0, kMaxUid - 17);
  std::replace(readable.begin(), readable.end(), '.', '-');
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (unsigned shift = 64; shift > 0; shift -= 4) digits += kDigits[(hash >> (shift - 4U)) & 15U];
  return concat(readable, "-", digits);
}

std::filesystem::path pods_dir(const std::filesystem::path& run_dir) { return run_dir / "pods"; }

Result<RecordContent> peek_record(const std::filesystem::path& run_dir, const std::string& uid) {
  const std::string text = TRY(sys::read_file(pods_dir(run_dir) / uid / kFileName, kMaxRecordBytes));
  return parse_record(text);
}

Record::Record(std::filesystem::path directory, sys::DirFd lock, sys::Fd file, RecordContent content)
    : directory_(std::move(directory)), lock_(std::move(lock)), file_(std::move(file)), content_(std::move(content)) {}

Result<Record> Record::create(const RecordHeader& header) {
  if (!is_valid_uid(header.uid)) return error(Kind::invalid, "'", header.uid, "' cannot name a pod's run directory");
  const std::filesystem::path directory = pods_dir(header.run_dir) / header.uid;
  TRY(sys::ensure_dir(directory, 0700));
  sys::DirFd lock = TRY(claim(directory));
  Result<sys::Fd> file = sys::open_at(lock, std::string(kFileName), O_RDWR | O_CREAT | O_EXCL | O_APPEND, 0600);
  if (!file) return file.error();
  Record record(directory, std::move(lock), std::move(*file),
                RecordContent{.header = header, .begun = {}, .shim = {}, .layers = {}});
  TRY(record.append(header_line(header)));
  return record;
}

Result<Record> Record::open(const std::filesystem::path& run_dir, const std::string& uid) {
  if (!is_valid_uid(uid)) return error(Kind::invalid, "'", uid, "' cannot name a pod's run directory");
  const std::filesystem::path directory = pods_dir(run_dir) / uid;
  sys::DirFd lock = TRY(claim(directory));
  sys::Fd file = TRY(sys::open_at(lock, std::string(kFileName), O_RDWR | O_APPEND | O_NOFOLLOW));
  const std::string text = TRY(sys::read_all(file, kMaxRecordBytes));
  RecordContent content = TRY(parse_record(text).while_doing("'", directory.native(), "'"));
  // Where the record stands is what counts, should somebody have copied a directory.
  content.header.run_dir = run_dir;
  content.header.uid = uid;
  return Record(directory, std::move(lock), std::move(file), std::move(content));
}

Result<Record> Record::salvage(RecordContent assumed) {
  Result<Record> sound = open(assumed.header.run_dir, assumed.header.uid);
  if (sound || sound.error().kind() == Kind::busy || sound.error().kind() == Kind::invalid) return sound;
  const std::filesystem::path directory = pods_dir(assumed.header.run_dir) / assumed.header.uid;
  sys::DirFd lock = TRY(claim(directory));
  TRY(sys::remove_tree_at(lock, std::string(kFileName)));
  sys::Fd file = TRY(sys::open_at(lock, std::string(kFileName), O_RDWR | O_CREAT | O_EXCL | O_APPEND, 0600));
  Record record(directory, std::move(lock), std::move(file), std::move(assumed));
  TRY(record.append(header_line(record.content_.header)));
  for (const std::string& step : record.content_.begun)
    TRY(record.append(json::serialize(json::object{{"begun", step}})));
  return record;
}

Result<> Record::append(std::string_view line) {
  // After a torn line the next one begins on a line of its own.
  const Result<> written = sys::write_all(file_, concat(torn_ ? "\n" : "", line, "\n"));
  torn_ = !written;
  return Result<>(written).while_doing("writing the record of pod ", content_.header.pod);
}

Result<> Record::begin(std::string_view step) {
  content_.begun.emplace_back(step);
  return append(json::serialize(json::object{{"begun", step}}));
}

Result<> Record::finish(std::string_view step) { return append(json::serialize(json::object{{"up", step}})); }

Result<> Record::undone(std::string_view step) {
  std::erase(content_.begun, step);
  return append(json::serialize(json::object{{"undone", step}}));
}

Result<> Record::note_shim(const ProcessId& shim) {
  content_.shim = shim;
  return append(json::serialize(json::object{{"shim", shim.pid}, {"started", shim.started}}));
}

Result<> Record::note_layers(const std::vector<std::string>& layers) {
  content_.layers = layers;
  return append(json::serialize(json::object{{"layers", to_array(layers)}}));
}

Result<> Record::remove() {
  const std::vector<std::string> names = TRY(sys::list_dir(lock_));
  for (const std::string& name : names) {
    if (name != kFileName) TRY(sys::remove_tree_at(lock_, name));
  }
  TRY(sys::remove_tree_at(lock_, std::string(kFileName)));
  return sys::remove_tree(directory_);
}

}  // namespace tank::runtime
