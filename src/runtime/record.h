// The record of one pod: what its bring-up has begun, on tmpfs, so that any process can undo it later without the one
// that did it.
//
// It is a file of JSON lines in <run_dir>/pods/<uid>: a header with the facts every undo needs, then one line per thing
// that happened. Lines are appended with single writes; a torn last line is as good as unwritten. Whoever holds the
// flock on the directory owns the pod.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"
#include "tank/runtime.h"

namespace tank::runtime {

/// No pod has more interfaces than this.
inline constexpr std::size_t kMaxLinks = 64;
/// The shim's listening socket in the pod's run directory.
inline constexpr std::string_view kSocketName = "shim.sock";

/// The facts of a pod that undoing needs. Fixed when the record is made.
struct RecordHeader {
  std::string pod;  ///< "namespace/name"
  std::string uid;
  std::filesystem::path data_dir;
  std::filesystem::path run_dir;
  OwnerLoss owner_loss = OwnerLoss::end_pod;
  std::vector<std::string> containers;
  std::size_t links = 0;  ///< how many network interfaces the pod asks for
};

/// A process, told apart from a later one with the same number by its start time (proc_pid_stat(5), field 22).
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t started = 0;
};

/// What a record file says.
struct RecordContent {
  RecordHeader header;
  std::vector<std::string> begun;  ///< steps in the order they were begun, without those undone since
  std::optional<ProcessId> shim;
  std::vector<std::string> layers;  ///< layer directories in use
};

/// Pure. Error kind: corrupt, when even the header cannot be read.
Result<RecordContent> parse_record(std::string_view text);

/// [a-z0-9-]{1,63}, starting and ending with a letter or digit: safe as a directory and cgroup name.
bool is_valid_uid(std::string_view uid);
/// The uid of a pod that was given none: readable, unique per run directory, namespace and name. Cgroups are named
/// after it, and two run directories know nothing of each other's pods.
std::string derive_uid(const Pod& pod, const std::filesystem::path& run_dir);

std::filesystem::path pods_dir(const std::filesystem::path& run_dir);

/// What a record says right now, without claiming it. Error kinds: not_found, corrupt.
Result<RecordContent> peek_record(const std::filesystem::path& run_dir, const std::string& uid);

/// A record held open and locked by its owner.
class Record {
 public:
  /// Claims <run_dir>/pods/<uid> and starts a new record there. Error kinds: busy when its owner lives, exists when a
  /// record of a dead owner stands there (take it down first), invalid for a bad uid.
  static Result<Record> create(const RecordHeader& header);
  /// Claims an existing one, whose owner is gone. Error kinds: not_found, busy, corrupt.
  static Result<Record> open(const std::filesystem::path& run_dir, const std::string& uid);

  /// Likewise, but where the record is missing or damaged `assumed` takes its place: for undoing what a pod of this uid
  /// could have begun. Error kinds: not_found (no run directory), busy.
  static Result<Record> salvage(RecordContent assumed);

  const RecordContent& content() const { return content_; }
  const std::filesystem::path& directory() const { return directory_; }

  Result<> begin(std::string_view step);
  Result<> finish(std::string_view step);
  Result<> undone(std::string_view step);
  Result<> note_shim(const ProcessId& shim);
  Result<> note_layers(const std::vector<std::string>& layers);

  /// Removes the pod's run directory, record last.
  Result<> remove();

 private:
  Record(std::filesystem::path directory, sys::DirFd lock, sys::Fd file, RecordContent content);
  Result<> append(std::string_view line);

  std::filesystem::path directory_;
  sys::DirFd lock_;
  sys::Fd file_;
  RecordContent content_;
  bool torn_ = false;  ///< the last line may be there in part
};

}  // namespace tank::runtime
