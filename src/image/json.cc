#include "image/json.h"

namespace tank::image::json {

namespace {

constexpr std::size_t kMaxDepth = 32;

Error wrong_type(std::string_view key, std::string_view wanted) {
  return error(Kind::corrupt, "'", key, "' is not ", wanted);
}

}  // namespace

Result<boost::json::object> parse_object(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::error_code failure;
  boost::json::value value = boost::json::parse({text.data(), text.size()}, failure, {}, options);
  if (failure) return error(Kind::corrupt, "it is not JSON: ", failure.message());
  if (!value.is_object()) return error(Kind::corrupt, "it is not a JSON object");
  return std::move(value.get_object());
}

const boost::json::value* find(const boost::json::object& object, std::string_view key) {
  const boost::json::value* member = object.if_contains({key.data(), key.size()});
  return member == nullptr || member->is_null() ? nullptr : member;
}

Result<std::string> string(const boost::json::object& object, std::string_view key) {
  const boost::json::value* member = find(object, key);
  if (member == nullptr) return std::string();
  if (!member->is_string()) return wrong_type(key, "a string");
  return std::string(member->get_string().data(), member->get_string().size());
}

Result<const boost::json::object*> object(const boost::json::object& object, std::string_view key) {
  const boost::json::value* member = find(object, key);
  if (member == nullptr) return static_cast<const boost::json::object*>(nullptr);
  if (!member->is_object()) return wrong_type(key, "an object");
  return &member->get_object();
}

Result<const boost::json::array*> array(const boost::json::object& object, std::string_view key) {
  const boost::json::value* member = find(object, key);
  if (member == nullptr) return static_cast<const boost::json::array*>(nullptr);
  if (!member->is_array()) return wrong_type(key, "a list");
  return &member->get_array();
}

Result<std::vector<std::string>> strings(const boost::json::object& object, std::string_view key) {
  const boost::json::array* list = TRY(array(object, key));
  std::vector<std::string> out;
  if (list == nullptr) return out;
  for (const boost::json::value& element : *list) {
    if (!element.is_string()) return wrong_type(key, "a list of strings");
    out.emplace_back(element.get_string().data(), element.get_string().size());
  }
  return out;
}

Result<std::optional<std::uint64_t>> number(const boost::json::object& object, std::string_view key) {
  const boost::json::value* member = find(object, key);
  if (member == nullptr) return std::optional<std::uint64_t>();
  if (member->is_uint64()) return std::optional<std::uint64_t>(member->get_uint64());
  if (member->is_int64() && member->get_int64() >= 0) {
    return std::optional<std::uint64_t>(static_cast<std::uint64_t>(member->get_int64()));
  }
  return wrong_type(key, "a whole number of 0 or more");
}

}  // namespace tank::image::json
