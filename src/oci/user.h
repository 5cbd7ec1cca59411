// Who a container runs as: the manifest's numbers over the image's User, names looked up in the image's own passwd(5)
// and group(5). Image text is untrusted: ids are range-checked wherever they stand (CVE-2024-40635).
#pragma once

#include <string>

#include "oci/config.h"
#include "tank/image.h"
#include "tank/pod.h"
#include "tank/result.h"

namespace tank::oci {

/// The image's /etc/passwd and /etc/group, already read and bounded (rootfs::read_user_files); empty when it has none.
struct UserFiles {
  std::string passwd;
  std::string group;
};

struct Identity {
  User user;
  std::string home = "/";  ///< of the uid's first passwd entry
};

/// runAsUser, runAsGroup, then the image's "user[:group]" by name or number, then root. Supplementary groups are those
/// that name the user in the group file, supplementalGroups, fsGroup and always the primary group itself
/// (CVE-2022-2989, CVE-2023-25173). Error kinds: invalid (malformed, out of range, root where runAsNonRoot is set),
/// not_found (a name the image does not know).
Result<Identity> resolve_user(const Container& container, const Pod& pod, const ImageConfig& image,
                              const UserFiles& files);

}  // namespace tank::oci
