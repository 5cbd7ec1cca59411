// Taking down, from their records, pods whose owners are gone.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tank/result.h"

namespace tank::runtime {

/// What became of one pod's leftovers.
struct CleanedPod {
  std::string pod;                 ///< "namespace/name", or the uid when the record was unreadable; empty: nothing done
  std::vector<std::string> steps;  ///< undone, in that order
  std::vector<Error> errors;
};

/// Takes down the pod with this uid when its owner is gone and its shim does not wait for another. A pod that is not
/// there, that lives, or whose shim waits is left alone: that is nothing done and no error.
CleanedPod clean_up_pod(const std::filesystem::path& data_dir, const std::filesystem::path& run_dir,
                        const std::string& uid);

}  // namespace tank::runtime
