#include "rootfs/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tank::rootfs {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Directories kDirectories{"/data", "/run/pods/u1", "u1"};

Volume empty_dir(std::string name, EmptyDirVolume source = {}) { return {std::move(name), source}; }
EmptyDirVolume memory(std::optional<Bytes> size = {}) { return {EmptyDirVolume::Medium::memory, size}; }

Pod pod_with(std::vector<Volume> volumes, std::vector<VolumeMount> mounts) {
  Pod pod;
  pod.name = "p";
  pod.volumes = std::move(volumes);
  pod.containers.resize(1);
  pod.containers[0].name = "c";
  pod.containers[0].mounts = std::move(mounts);
  return pod;
}

Result<Plan> planned(const Pod& pod) {
  Image image;
  image.layers = {"/layers/a", "/layers/b"};
  return plan(pod, std::vector<Image>(pod.containers.size(), image), kDirectories, {"h", "n", "r"});
}

std::vector<std::string> paths(const Plan& plan) {
  std::vector<std::string> out;
  for (const MakeDirectory& directory : plan.directories) out.push_back(directory.path);
  return out;
}

const oci::Mount& mount_at(const Plan& plan, const std::string& destination, std::size_t container = 0) {
  for (const oci::Mount& mount : plan.containers[container].mounts) {
    if (mount.destination == destination) return mount;
  }
  throw std::runtime_error("nothing mounted at " + destination);
}

TEST(Plan, RefusesSubPathsThatLeaveTheirVolume) {
  for (const auto* wrong : {"..", "../x", "a/../../x", "/abs", "a/b/../../.."}) {
    const auto refused = planned(pod_with({empty_dir("v")}, {{"v", "/m", Readonly::no, wrong}}));
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().kind(), Kind::invalid);
  }
  EXPECT_FALSE(planned(pod_with({empty_dir("v")}, {{"v", "/m", Readonly::no, std::string("a\0b", 3)}})));
}

TEST(Plan, RefusesNamesThatAreNoDirectory) {
  Directories directories = kDirectories;
  for (const auto* wrong : {"", ".", "..", "a/b", "/"}) {
    directories.uid = wrong;
    EXPECT_FALSE(plan(pod_with({}, {}), {Image{}}, directories, {})) << wrong;
    EXPECT_FALSE(planned(pod_with({empty_dir(wrong)}, {}))) << wrong;
    EXPECT_FALSE(planned(pod_with({{"v", ClaimVolume{wrong, Readonly::no}}}, {}))) << wrong;
    Pod pod = pod_with({}, {});
    pod.containers[0].name = wrong;
    EXPECT_FALSE(planned(pod)) << wrong;
  }
}

TEST(Plan, RefusesUnknownVolumesAndMissingImages) {
  EXPECT_THAT(planned(pod_with({}, {{"v", "/m", Readonly::no, ""}})).error().sentence(), HasSubstr("no volume 'v'"));
  EXPECT_EQ(plan(pod_with({}, {}), {}, kDirectories, {}).error().kind(), Kind::bug);
}

TEST(Plan, OfAPlainPodIsAHandfulOfDirectories) {
  const auto got = planned(pod_with({}, {}));
  ASSERT_TRUE(got);
  EXPECT_THAT(paths(*got), ElementsAre("/data", "/data/pods", "/data/pods/u1", "/run/pods/u1", "/run/pods/u1/root",
                                       "/run/pods/u1/etc", "/run/pods/u1/root/c", "/data/pods/u1/c",
                                       "/data/pods/u1/c/upper", "/data/pods/u1/c/work"));
  for (const MakeDirectory& directory : got->directories) {
    EXPECT_EQ(directory.mode, directory.path.filename() == "upper" ? 0755U : 0700U) << directory.path;
  }
  EXPECT_THAT(got->files,
              ElementsAre(WriteFile{"/run/pods/u1/etc/hosts", "h"}, WriteFile{"/run/pods/u1/etc/hostname", "n"},
                          WriteFile{"/run/pods/u1/etc/resolv.conf", "r"}));
  ASSERT_EQ(got->containers.size(), 1U);
  EXPECT_EQ(got->containers[0].top_layer, "/layers/b");
  EXPECT_EQ(got->containers[0].mounts.size(), 3U);
  EXPECT_EQ(mount_at(*got, "/etc/hosts").source, "/run/pods/u1/etc/hosts");
  EXPECT_THAT(mount_at(*got, "/etc/hosts").options, Contains("rw"));
  EXPECT_THAT(got->memory, IsEmpty());
}

TEST(Plan, GivesEveryKindOfVolumeItsPlace) {
  const auto got = planned(pod_with({empty_dir("disk"),
                                     empty_dir("ram", memory(Bytes{4096})),
                                     {"claim", ClaimVolume{"db", Readonly::yes}},
                                     {"host", HostPathVolume{"/srv/x", HostPathVolume::Type::directory}}},
                                    {{"disk", "/a", Readonly::no, ""},
                                     {"ram", "/b", Readonly::no, ""},
                                     {"claim", "/c", Readonly::no, ""},
                                     {"host", "/d", Readonly::yes, ""}}));
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_EQ(mount_at(*got, "/a").source, "/data/pods/u1/_volumes/disk");
  EXPECT_EQ(mount_at(*got, "/b").source, "/run/pods/u1/memory/ram");
  EXPECT_EQ(mount_at(*got, "/c").source, "/data/volumes/default/db");
  EXPECT_EQ(mount_at(*got, "/d").source, "/srv/x");
  EXPECT_THAT(mount_at(*got, "/a").options, ElementsAre("rbind", "rprivate", "rw"));
  EXPECT_THAT(mount_at(*got, "/c").options, Contains("ro"));
  EXPECT_THAT(mount_at(*got, "/d").options, Contains("ro"));
  EXPECT_THAT(got->memory, ElementsAre(MemoryVolume{"/run/pods/u1/memory/ram", Bytes{4096}, 0777, Id{0}, {}}));
  EXPECT_THAT(got->directories, Contains(MakeDirectory{"/data/volumes/default/db", 0755, Keep::yes}));
  EXPECT_THAT(got->directories, Contains(MakeDirectory{"/data/pods/u1/_volumes/disk", 0777, Keep::no}));
  EXPECT_THAT(got->host_paths, ElementsAre(HostPathVolume{"/srv/x", HostPathVolume::Type::directory}));
}

TEST(Plan, ResolvesSubPathsBeneathTheirVolume) {
  const auto got =
      planned(pod_with({empty_dir("disk"), empty_dir("ram", memory())}, {{"disk", "/a", Readonly::no, "./x//y/"},
                                                                         {"ram", "/b", Readonly::no, "z"},
                                                                         {"disk", "/c", Readonly::no, "x/.."}}));
  ASSERT_TRUE(got);
  EXPECT_EQ(mount_at(*got, "/a").source, "/data/pods/u1/_volumes/disk");
  EXPECT_THAT(mount_at(*got, "/a").options, ElementsAre("rbind", "rprivate", "rw", "X-mount.subdir=x/y"));
  EXPECT_THAT(mount_at(*got, "/b").options, Contains("X-mount.subdir=z"));
  EXPECT_THAT(mount_at(*got, "/c").options, ElementsAre("rbind", "rprivate", "rw"));
  EXPECT_THAT(got->sub_paths, ElementsAre(SubPath{"/data/pods/u1/_volumes/disk", "x/y"}));
  EXPECT_THAT(got->memory[0].sub_paths, ElementsAre("z"));
}

TEST(Plan, GivesVolumesOfThePodToItsGroupButNoHostPath) {
  Pod pod = pod_with({empty_dir("disk"),
                      empty_dir("ram", memory()),
                      {"claim", ClaimVolume{"db", Readonly::no}},
                      {"host", HostPathVolume{"/srv", {}}}},
                     {});
  pod.fs_group = Id{70};
  const auto got = planned(pod);
  ASSERT_TRUE(got);
  EXPECT_THAT(got->group_owned, ElementsAre(GroupOwned{"/data/pods/u1/_volumes/disk", Id{70}},
                                            GroupOwned{"/data/volumes/default/db", Id{70}}));
  EXPECT_EQ(got->memory[0].gid, Id{70});
  EXPECT_EQ(got->memory[0].mode, 02777U);
}

TEST(Plan, LetsAVolumeTakeThePlaceOfAnEtcFile) {
  const auto got = planned(pod_with({{"h", HostPathVolume{"/srv/hosts", HostPathVolume::Type::file}}},
                                    {{"h", "/etc/hosts", Readonly::no, ""}}));
  EXPECT_EQ(got->containers[0].mounts.size(), 3U);
  EXPECT_EQ(mount_at(*got, "/etc/hosts").source, "/srv/hosts");
}

TEST(Plan, LocksTheEtcFilesOfAReadonlyRoot) {
  Pod pod = pod_with({}, {});
  pod.containers[0].security.readonly_root_filesystem = Readonly::yes;
  EXPECT_THAT(mount_at(*planned(pod), "/etc/resolv.conf").options, Contains("ro"));
}

TEST(Plan, SharesMemoryAmongSeveralContainers) {
  Pod pod = pod_with({empty_dir("own", memory())}, {});
  pod.containers.push_back(pod.containers[0]);
  pod.containers[1].name = "d";
  pod.containers[1].mounts = {{"own", "/dev/shm", Readonly::no, ""}};
  const auto got = planned(pod);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->memory.back(), (MemoryVolume{"/run/pods/u1/shm", Bytes{64 << 20}, 01777, Id{0}, {}}));
  EXPECT_EQ(mount_at(*got, "/dev/shm", 0).source, "/run/pods/u1/shm");
  EXPECT_THAT(mount_at(*got, "/dev/shm", 0).options, Contains("noexec"));
  EXPECT_EQ(mount_at(*got, "/dev/shm", 1).source, "/run/pods/u1/memory/own");
}

TEST(Plan, KeepsContainersAndVolumesOfOneNameApart) {
  Pod pod = pod_with({empty_dir("upper")}, {});
  pod.containers[0].name = "volumes";
  const auto got = planned(pod);
  EXPECT_EQ(got->containers[0].upper, "/data/pods/u1/volumes/upper");
  EXPECT_THAT(paths(*got), Contains("/data/pods/u1/_volumes/upper"));
  pod.containers[0].name = "_volumes";
  EXPECT_FALSE(planned(pod));
}

}  // namespace
}  // namespace tank::rootfs
