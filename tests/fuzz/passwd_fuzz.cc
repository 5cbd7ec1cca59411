// An image's User, passwd and group, as bytes: whatever they are, the answer is an error or ids within range.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "oci/command.h"
#include "oci/user.h"

namespace {

void require(bool held) {
  if (!held) std::abort();
}

/// The input's parts are divided by bytes no line ends with: user, passwd, group.
std::string_view take_part(std::string_view& rest) {
  const auto end = std::min(rest.find('\x1f'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

void check(const tank::oci::User& user) {
  require(user.uid <= tank::kMaxId && user.gid <= tank::kMaxId);
  const auto& gids = user.additional_gids;
  require(std::is_sorted(gids.begin(), gids.end()));
  require(std::adjacent_find(gids.begin(), gids.end()) == gids.end());
  require(std::binary_search(gids.begin(), gids.end(), user.gid));
  require(gids.back() <= tank::kMaxId);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  tank::ImageConfig image;
  image.user = take_part(rest);
  tank::oci::UserFiles files;
  files.passwd = take_part(rest);
  files.group = rest;
  tank::Container container;
  const auto plain = tank::oci::resolve_user(container, tank::Pod{}, image, files);
  if (plain) check(plain->user);

  container.security.run_as_non_root = true;
  const auto unprivileged = tank::oci::resolve_user(container, tank::Pod{}, image, files);
  if (unprivileged) require(plain && unprivileged->user.uid != 0);
  if (plain && plain->user.uid != 0) require(unprivileged.has_value());

  const auto signal = tank::oci::parse_signal(image.user);
  if (signal) require(*signal >= 1 && *signal <= 64);
  image.working_dir = files.passwd;
  const auto directory = tank::oci::resolve_working_dir(container, image);
  if (directory) require(directory->starts_with('/') && directory->find("/../") == std::string::npos);
  return 0;
}
