// Volumes of every kind, as a pod of `tank run` finds them and as they stand on the host afterwards.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>

#include "pod_fixture.h"

namespace tank::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class VolumeTest : public PodTest {
 protected:
  VolumeTest() : outside_(fs::path(write("outside", "")).parent_path() / "host"), before_(look()) {
    fs::create_directories(outside_);
  }
  void TearDown() override { expect_unchanged(before_); }

  /// One volume `v` of this source at /v.
  std::string with(const std::string& source, const std::string& command, const std::string& mount_more = "",
                   const std::string& spec_more = "") const {
    return manifest(command, "    volumeMounts: [{name: v, mountPath: /v" + mount_more + "}]\n",
                    "  volumes: [{name: v, " + source + "}]\n" + spec_more);
  }
  std::string host(const std::string& name, const std::string& type) const {
    return "hostPath: {path: " + (outside_ / name).native() + (type.empty() ? "" : ", type: " + type) + "}";
  }
  static std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
  }

  const fs::path outside_;

 private:
  HostSnapshot before_;
};

TEST_F(VolumeTest, AnEmptyDirIsSharedBetweenContainers) {
  for (const char* source : {"emptyDir: {}", "emptyDir: {medium: Memory}"}) {
    const std::string text =
        with(source, "[/bin/sh, -c, \"echo shared > /v/new && mv /v/new /v/word\"]") +
        "  - name: side\n    image: " + image() +
        "\n    command: [/bin/sh, -c, \"until test -e /other/word; do sleep 0.01; done; cat /other/word\"]\n" +
        "    volumeMounts: [{name: v, mountPath: /other}]\n";
    const Outcome outcome = run_manifest(text);
    EXPECT_EQ(outcome.code, 0) << to_string(outcome);
    EXPECT_EQ(outcome.out, "[side] shared\n") << source;
  }
}

TEST_F(VolumeTest, AnEmptyDirIsEmptyEachTime) {
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = run_manifest(with("emptyDir: {}", "[/bin/sh, -c, \"ls -A /v; echo x > /v/left\"]"));
    EXPECT_EQ(outcome.code, 0) << to_string(outcome);
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(VolumeTest, TheSizeOfOneInMemoryIsEnforced) {
  const std::string fill =
      "[/bin/sh, -c, \"dd if=/dev/zero of=/v/big bs=1024 count=4096 2>/v/why; wc -c < /v/big; exit 0\"]";
  const Outcome outcome = run_manifest(with("emptyDir: {medium: Memory, sizeLimit: 1Mi}", fill));
  EXPECT_EQ(outcome.code, 0) << to_string(outcome);
  EXPECT_GT(std::stol(outcome.out), 0L);
  EXPECT_LE(std::stol(outcome.out), 1048576L);
}

TEST_F(VolumeTest, AClaimIsKeptBetweenRuns) {
  const std::string claim = "persistentVolumeClaim: {claimName: data}";
  const Outcome first = run_manifest(with(claim, "[/bin/sh, -c, \"ls -A /v; echo kept > /v/word\"]"));
  EXPECT_EQ(first.code, 0) << to_string(first);
  EXPECT_EQ(first.out, "");
  EXPECT_EQ(text_of(data_dir() + "/volumes/default/data/word"), "kept");
  const Outcome second = run_manifest(with(claim, "[/bin/cat, /v/word]"));
  EXPECT_EQ(second.out, "kept\n") << to_string(second);
}

TEST_F(VolumeTest, ReadOnlyMeansIt) {
  const Outcome mount =
      run_manifest(with("emptyDir: {}", "[/bin/probe, open, /v, r, then, write, /v/x, text]", ", readOnly: true"));
  EXPECT_EQ(mount.code, 1) << to_string(mount);
  EXPECT_THAT(mount.err, HasSubstr("EROFS"));
  const Outcome claim =
      run_manifest(with("persistentVolumeClaim: {claimName: data, readOnly: true}", "[/bin/probe, write, /v/x, text]"));
  EXPECT_EQ(claim.code, 1) << to_string(claim);
  EXPECT_THAT(claim.err, HasSubstr("EROFS"));
  const Outcome host_path =
      run_manifest(with(host("", "Directory"), "[/bin/probe, write, /v/x, text]", ", readOnly: true"));
  EXPECT_EQ(host_path.code, 1) << to_string(host_path);
  EXPECT_TRUE(fs::is_empty(outside_));
}

TEST_F(VolumeTest, ASubPathIsMadeAndStaysInside) {
  const Outcome made = run_manifest(
      with("persistentVolumeClaim: {claimName: data}", "[/bin/probe, write, /v/x, text]", ", subPath: a/b"));
  EXPECT_EQ(made.code, 0) << to_string(made);
  EXPECT_EQ(text_of(data_dir() + "/volumes/default/data/a/b/x"), "text");

  // A link that an earlier run left in the volume must not lead out (CVE-2017-1002101).
  fs::create_symlink(outside_, data_dir() + "/volumes/default/data/way-out");
  const Outcome escape = run_manifest(
      with("persistentVolumeClaim: {claimName: data}", "[/bin/probe, write, /v/x, text]", ", subPath: way-out"));
  EXPECT_EQ(escape.code, 125) << to_string(escape);
  EXPECT_TRUE(fs::is_empty(outside_));

  const Outcome dots = run_manifest(with("emptyDir: {}", "[/bin/true]", ", subPath: ../x"));
  EXPECT_EQ(dots.code, 125) << to_string(dots);
}

TEST_F(VolumeTest, HostPathsAreWhatTheirTypeSays) {
  struct Row {
    const char* type;
    const char* name;
    int code;
  };
  std::ofstream(outside_ / "file") << "content";
  fs::create_directory(outside_ / "directory");
  ASSERT_EQ(::mknod((outside_ / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  for (const Row& row : std::vector<Row>{{"", "directory", 0},
                                         {"", "file", 0},
                                         {"", "new-unchecked", 0},
                                         {"Directory", "directory", 0},
                                         {"Directory", "file", 125},
                                         {"Directory", "missing", 125},
                                         {"File", "file", 0},
                                         {"File", "directory", 125},
                                         {"DirectoryOrCreate", "new-directory", 0},
                                         {"FileOrCreate", "new-file", 0},
                                         {"CharDevice", "null", 0},
                                         {"CharDevice", "file", 125},
                                         {"BlockDevice", "null", 125},
                                         {"Socket", "file", 125}}) {
    const Outcome outcome = run_manifest(with(host(row.name, row.type), "[/bin/true]"));
    EXPECT_EQ(outcome.code, row.code) << row.type << " " << row.name << ": " << to_string(outcome);
    if (row.code != 0) {
      EXPECT_THAT(outcome.err, HasSubstr(row.name)) << row.type;
    }
  }
  EXPECT_EQ(fs::status(outside_ / "new-directory").permissions(), fs::perms{0755});
  EXPECT_EQ(fs::status(outside_ / "new-file").permissions(), fs::perms{0644});
  EXPECT_FALSE(fs::exists(outside_ / "missing"));
}

TEST_F(VolumeTest, AVolumeOfTheFsGroupCanBeWrittenByTheUser) {
  const std::string identity = "  securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 4242}\n";
  for (const char* source :
       {"emptyDir: {}", "emptyDir: {medium: Memory}", "persistentVolumeClaim: {claimName: grouped}"}) {
    const Outcome outcome =
        run_manifest(with(source, "[/bin/sh, -c, \"touch /v/x && ls -ln /v/x && id -G\"]", "", identity));
    EXPECT_EQ(outcome.code, 0) << source << ": " << to_string(outcome);
    EXPECT_THAT(outcome.out, ::testing::ContainsRegex("1000 +4242 ")) << source;
  }
}

}  // namespace
}  // namespace tank::test
