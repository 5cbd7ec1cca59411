// Every test of this folder gets a "host" of its own: a network namespace with one end of a veth pair as the parent for
// macvlan links. The test's thread is inside it, as tankd's would be in the real one.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "network/plan.h"
#include "sys/fd.h"
#include "sys/namespace.h"
#include "tank/pod.h"

namespace tank::network {

template <typename T>
std::string sentence_of(const Result<T>& result) {
  return result ? std::string() : to_string(result.error());
}

/// Prints the error of what is not.
MATCHER(IsOk, "is no error") {
  *result_listener << sentence_of(arg);
  return arg.has_value();
}

inline IpAddress address(std::string_view text) { return *parse_ip_address(text); }
inline IpPrefix prefix(std::string_view text) { return *parse_ip_prefix(text); }
inline MacAddress mac(std::string_view text) { return *parse_mac_address(text); }

class NetworkTest : public testing::Test {
 protected:
  static constexpr const char* kParent = "parent0";

  void SetUp() override;
  void TearDown() override;

  /// `ip` with these arguments on the host.
  static void ip(std::vector<std::string> arguments);
  /// The links, addresses and routes of the calling thread's namespace as text, for before and after.
  static std::string host_snapshot();
  static sys::NetnsFd make_pod();
  /// A NIC on the parent, with an address of each family ending in `number`.
  static Nic nic(unsigned number, const std::string& interface = "net1");
  static Result<> attach(std::vector<Nic> nics, const sys::NetnsFd& pod, const std::string& uid = "pod-1");

 private:
  std::string outside_;
  sys::NetnsFd host_;
  std::unique_ptr<sys::NetnsVisit> visit_;
};

}  // namespace tank::network
