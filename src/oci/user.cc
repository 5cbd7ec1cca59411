#include "oci/user.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

namespace tank::oci {

namespace {

/// NGROUPS_MAX of the kernel: setgroups(2) takes no more.
constexpr std::size_t kMostGroups = 65536;

struct Account {
  std::string name;
  Id uid;
  Id gid;
  std::string home;
};

struct UserText {
  std::string_view user;
  std::string_view group;
};

/// The lines of a file worth reading: not empty, no comments, no NIS markers (which only glibc's compat mode resolves).
template <typename See>
void for_each_line(std::string_view text, See see) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#' || line[0] == '+' || line[0] == '-') continue;
    if (!see(line)) return;
  }
}

/// Takes the text up to the next separator off the front.
std::string_view take_field(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return field;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct PasswdLine {
  std::string_view name, uid, gid, home;
};

/// name:password:uid:gid:comment:home:shell, of which the first four must be there.
std::optional<PasswdLine> split_passwd(std::string_view line) {
  if (std::count(line.begin(), line.end(), ':') < 3) return std::nullopt;
  PasswdLine out;
  out.name = take_field(line, ':');
  take_field(line, ':');
  out.uid = take_field(line, ':');
  out.gid = take_field(line, ':');
  take_field(line, ':');
  out.home = take_field(line, ':');
  if (out.name.empty()) return std::nullopt;
  return out;
}

struct GroupLine {
  std::string_view name, gid, members;
};

/// name:password:gid:members; the last field may be missing.
std::optional<GroupLine> split_group(std::string_view line) {
  if (std::count(line.begin(), line.end(), ':') < 2) return std::nullopt;
  GroupLine out;
  out.name = take_field(line, ':');
  take_field(line, ':');
  out.gid = take_field(line, ':');
  out.members = take_field(line, ':');
  if (out.name.empty()) return std::nullopt;
  return out;
}

Result<Account> to_account(const PasswdLine& line) {
  const Id uid = TRY(parse_id(line.uid));
  const Id gid = TRY(parse_id(line.gid));
  return Account{std::string(line.name), uid, gid, std::string(line.home)};
}

/// The first entry of that name. One with unusable ids is an error, not skipped: a later one may be somebody else.
Result<Account> find_account(std::string_view name, const UserFiles& files) {
  std::optional<PasswdLine> found;
  for_each_line(files.passwd, [&](std::string_view line) {
    const auto entry = split_passwd(line);
    if (entry && entry->name == name) found = entry;
    return !found;
  });
  if (!found) return error(Kind::not_found, "looking up user '", name, "': the image's /etc/passwd does not name it");
  return to_account(*found).while_doing("looking up user '", name, "' in the image's /etc/passwd");
}

std::optional<Account> find_account(Id uid, const UserFiles& files) {
  std::optional<Account> found;
  for_each_line(files.passwd, [&](std::string_view line) {
    const auto entry = split_passwd(line);
    if (!entry) return true;
    Result<Account> account = to_account(*entry);
    if (account && account->uid == uid) found = *std::move(account);
    return !found;
  });
  return found;
}

Result<Id> find_group(std::string_view name, const UserFiles& files) {
  std::optional<GroupLine> found;
  for_each_line(files.group, [&](std::string_view line) {
    const auto entry = split_group(line);
    if (entry && entry->name == name) found = entry;
    return !found;
  });
  if (!found) return error(Kind::not_found, "looking up group '", name, "': the image's /etc/group does not name it");
  return parse_id(found->gid).while_doing("looking up group '", name, "' in the image's /etc/group");
}

bool lists(std::string_view members, std::string_view name) {
  while (!members.empty()) {
    if (take_field(members, ',') == name) return true;
  }
  return false;
}

/// The gids of the groups that list the account as a member. Lines with unusable gids grant nothing.
void add_memberships(const Account& account, const UserFiles& files, std::vector<std::uint32_t>& gids) {
  for_each_line(files.group, [&](std::string_view line) {
    const auto entry = split_group(line);
    if (!entry || !lists(entry->members, account.name)) return true;
    const Result<Id> gid = parse_id(entry->gid);
    if (gid) gids.push_back(gid->value);
    return true;
  });
}

Result<UserText> split_user(const std::string& text) {
  UserText out;
  std::string_view rest = text;
  out.user = take_field(rest, ':');
  out.group = rest;
  const auto wrong = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  if (out.group.find(':') != std::string_view::npos || std::any_of(text.begin(), text.end(), wrong)) {
    return error(Kind::invalid, "the image's user '", text, "' is not of the form user or user:group");
  }
  return out;
}

Result<> refuse_root(const Container& container, Id uid, const ImageConfig& image) {
  if (!container.security.run_as_non_root || uid.value != 0) return {};
  if (container.security.run_as_user) {
    return error(Kind::invalid, "container '", container.name, "' has runAsNonRoot but also runAsUser 0");
  }
  return error(Kind::invalid, "container '", container.name,
               "' has runAsNonRoot, but its image would run as root (user '", image.user, "' is uid 0); set runAsUser");
}

Result<std::vector<std::uint32_t>> groups_of(const std::optional<Account>& account, Id primary, const Pod& pod,
                                             const UserFiles& files) {
  std::vector<std::uint32_t> gids{primary.value};
  if (account) add_memberships(*account, files, gids);
  for (const Id gid : pod.supplemental_groups) gids.push_back(gid.value);
  if (pod.fs_group) gids.push_back(pod.fs_group->value);
  std::sort(gids.begin(), gids.end());
  gids.erase(std::unique(gids.begin(), gids.end()), gids.end());
  if (gids.size() > kMostGroups) {
    return error(Kind::invalid, "the user is in ", gids.size(), " groups; the kernel takes at most ", kMostGroups);
  }
  return gids;
}

struct Chosen {
  Id uid;
  std::optional<Account> account;
};

Result<Chosen> choose_user(const Container& container, const UserText& text, const UserFiles& files) {
  Chosen out;
  if (container.security.run_as_user) {
    out.uid = *container.security.run_as_user;
  } else if (is_number(text.user)) {
    out.uid = TRY(parse_id(text.user).while_doing("reading the image's user"));
  } else if (!text.user.empty()) {
    out.account = TRY(find_account(text.user, files));
    out.uid = out.account->uid;
    return out;
  }
  out.account = find_account(out.uid, files);
  return out;
}

Result<Id> choose_group(const Container& container, const UserText& text, const std::optional<Account>& account,
                        const UserFiles& files) {
  if (container.security.run_as_group) return *container.security.run_as_group;
  const bool user_is_the_images = !container.security.run_as_user;
  if (user_is_the_images && is_number(text.group)) return parse_id(text.group).while_doing("reading the image's group");
  if (user_is_the_images && !text.group.empty()) return find_group(text.group, files);
  return account ? account->gid : Id{0};
}

}  // namespace

Result<Identity> resolve_user(const Container& container, const Pod& pod, const ImageConfig& image,
                              const UserFiles& files) {
  const UserText text = TRY(split_user(image.user));
  const Chosen chosen = TRY(choose_user(container, text, files));
  const Id gid = TRY(choose_group(container, text, chosen.account, files));
  TRY(refuse_root(container, chosen.uid, image));
  Identity out;
  out.user.uid = chosen.uid.value;
  out.user.gid = gid.value;
  out.user.additional_gids = TRY(groups_of(chosen.account, gid, pod, files));
  if (chosen.account && !chosen.account->home.empty()) out.home = chosen.account->home;
  return out;
}

}  // namespace tank::oci
