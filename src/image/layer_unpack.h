// One layer, from its blob into an empty directory: the calling thread decompresses and hashes, a second one writes
// files. Two cores are then about evenly busy: inflating and hashing cost what creating files costs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "image/layer.h"
#include "sys/fd.h"

namespace tank::image {

/// Fills `root`, and checks that the uncompressed bytes have the sha256 `diff_hex`. On an error `root` is left half
/// full.
Result<> unpack_layer(sys::DirFd root, const std::string& diff_hex, const sys::Fd& blob, const LayerCaps& caps,
                      const std::function<void(std::uint64_t)>& progress);

}  // namespace tank::image
