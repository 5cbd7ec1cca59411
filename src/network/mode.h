// The macvlan modes of a manifest and those of the kernel are the same four; this says so in both directions.
#pragma once

#include "sys/netlink_link.h"
#include "tank/pod.h"

namespace tank::network {

inline sys::MacvlanMode to_kernel(Nic::Mode mode) {
  switch (mode) {
    case Nic::Mode::bridge: return sys::MacvlanMode::bridge;
    case Nic::Mode::private_: return sys::MacvlanMode::private_;
    case Nic::Mode::vepa: return sys::MacvlanMode::vepa;
    case Nic::Mode::passthru: return sys::MacvlanMode::passthru;
  }
  return sys::MacvlanMode::bridge;
}

inline Nic::Mode from_kernel(sys::MacvlanMode mode) {
  switch (mode) {
    case sys::MacvlanMode::bridge: return Nic::Mode::bridge;
    case sys::MacvlanMode::private_: return Nic::Mode::private_;
    case sys::MacvlanMode::vepa: return Nic::Mode::vepa;
    case sys::MacvlanMode::passthru: return Nic::Mode::passthru;
  }
  return Nic::Mode::bridge;
}

}  // namespace tank::network
