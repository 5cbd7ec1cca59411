#include "runtime/clean_up.h"

#include "runtime/bring_up.h"
#include "runtime/record.h"
#include "sys/file.h"
#include "sys/proc.h"
#include "tank/runtime.h"

namespace tank {

namespace runtime {

namespace {

/// A shim that was told to wait for its next owner, and lives.
bool waits_for_owner(const RecordContent& record) {
  if (record.header.owner_loss != OwnerLoss::keep_running || !record.shim) return false;
  return sys::open_process(record.shim->pid, record.shim->started).has_value();
}

/// For a directory whose owner died before it wrote a header, or whose record was damaged: everything a bring-up makes
/// can be found by the uid, so every step is undone.
RecordContent assume_everything(const std::filesystem::path& data_dir, const std::filesystem::path& run_dir,
                                const std::string& uid) {
  RecordContent content;
  content.header.pod = uid;
  content.header.uid = uid;
  content.header.data_dir = data_dir;
  content.header.run_dir = run_dir;
  content.header.links = kMaxLinks;
  for (const Step& step : steps()) content.begun.emplace_back(step.name);
  return content;
}

}  // namespace

CleanedPod clean_up_pod(const std::filesystem::path& data_dir, const std::filesystem::path& run_dir,
                        const std::string& uid) {
  CleanedPod cleaned;
  Result<Record> record = Record::salvage(assume_everything(data_dir, run_dir, uid));
  if (!record) {
    const Kind kind = record.error().kind();
    if (kind != Kind::not_found && kind != Kind::busy) cleaned.errors.push_back(std::move(record.error()));
    return cleaned;
  }
  if (waits_for_owner(record->content())) return cleaned;
  cleaned.pod = record->content().header.pod;
  cleaned.errors = take_down(*record, [&](const StepTiming& step) { cleaned.steps.push_back(step.step); });
  return cleaned;
}

}  // namespace runtime

CleanUpReport clean_up(const std::filesystem::path& data_dir, const std::filesystem::path& run_dir) {
  CleanUpReport report;
  const Result<std::vector<std::string>> uids = sys::list_dir(runtime::pods_dir(run_dir));
  if (!uids) {
    if (uids.error().kind() != Kind::not_found) report.errors.push_back(uids.error());
    return report;
  }
  for (const std::string& uid : *uids) {
    runtime::CleanedPod cleaned = runtime::clean_up_pod(data_dir, run_dir, uid);
    if (!cleaned.pod.empty()) {
      std::string line = concat("pod ", cleaned.pod, ":");
      for (const std::string& step : cleaned.steps) line += concat(" ", step);
      report.removed.push_back(std::move(line));
    }
    for (Error& error : cleaned.errors) report.errors.push_back(std::move(error));
  }
  return report;
}

std::vector<std::filesystem::path> layers_in_use(const std::filesystem::path& run_dir) {
  std::vector<std::filesystem::path> layers;
  const Result<std::vector<std::string>> uids = sys::list_dir(runtime::pods_dir(run_dir));
  if (!uids) return layers;
  for (const std::string& uid : *uids) {
    const Result<runtime::RecordContent> record = runtime::peek_record(run_dir, uid);
    if (record) layers.insert(layers.end(), record->layers.begin(), record->layers.end());
  }
  return layers;
}

}  // namespace tank
