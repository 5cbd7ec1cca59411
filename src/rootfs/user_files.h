// An image's /etc/passwd and /etc/group as its container will see them, read from the layers before anything is
// mounted.
#pragma once

#include <filesystem>
#include <vector>

#include "oci/user.h"
#include "tank/result.h"

namespace tank::rootfs {

/// `layers` lowest first. Whiteouts and opaque directories count as overlayfs counts them; symbolic links, also of
/// directories, are followed inside the image and nowhere else. A file that is missing is empty. Error kinds: invalid
/// (something other than a regular file of at most 1 MiB, links in a circle), corrupt, kernel.
Result<oci::UserFiles> read_user_files(const std::vector<std::filesystem::path>& layers);

}  // namespace tank::rootfs
