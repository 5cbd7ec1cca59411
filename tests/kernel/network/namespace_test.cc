// Visiting a namespace: only the calling thread goes, and it always comes back.
#include "sys/namespace.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "fixture.h"
#include "support/netns.h"

namespace tank::sys {
namespace {

using network::IsOk;

std::string own_netns() { return std::filesystem::read_symlink("/proc/thread-self/ns/net").string(); }

TEST(NetnsVisit, LastsAsLongAsTheObject) {
  const std::string home = own_netns();
  const Result<NetnsFd> other = test::make_netns();
  ASSERT_THAT(other, IsOk());
  {
    const Result<NetnsVisit> visit = NetnsVisit::enter(*other);
    ASSERT_THAT(visit, IsOk());
    EXPECT_NE(own_netns(), home);
    {
      const Result<NetnsVisit> deeper = NetnsVisit::enter(*other);
      ASSERT_THAT(deeper, IsOk());
    }
    EXPECT_NE(own_netns(), home);
  }
  EXPECT_EQ(own_netns(), home);
}

TEST(NetnsVisit, OtherThreadsStayWhereTheyAre) {
  const std::string home = own_netns();
  const Result<NetnsFd> other = test::make_netns();
  ASSERT_THAT(other, IsOk());
  std::thread([&] {
    const Result<NetnsVisit> visit = NetnsVisit::enter(*other);
    EXPECT_TRUE(visit);
    EXPECT_NE(own_netns(), home);
    EXPECT_EQ(std::filesystem::read_symlink(concat("/proc/self/task/", ::getpid(), "/ns/net")).string(), home);
  }).join();
  EXPECT_EQ(own_netns(), home);
}

TEST(NetnsVisit, WhatIsNotANetworkNamespaceIsRefusedAndNothingChanges) {
  const std::string home = own_netns();
  for (const char* wrong : {"/proc/self/ns/uts", "/proc/self/stat"}) {
    const Result<NetnsFd> fd = open_netns(std::filesystem::path(wrong));
    ASSERT_THAT(fd, IsOk());
    EXPECT_FALSE(NetnsVisit::enter(*fd));
  }
  EXPECT_FALSE(NetnsVisit::enter(NetnsFd()));
  EXPECT_EQ(own_netns(), home);
}

TEST(OpenNetns, ByPidAndOfNobody) {
  ASSERT_THAT(open_netns(::getpid()), IsOk());
  EXPECT_EQ(open_netns(pid_t{0x7fffffff}).error().kind(), Kind::not_found);
}

}  // namespace
}  // namespace tank::sys
