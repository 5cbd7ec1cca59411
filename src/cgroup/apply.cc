#include "cgroup/apply.h"

#include <fcntl.h>

#include <algorithm>
#include <string_view>

#include "sys/bpf.h"
#include "sys/cgroup.h"
#include "sys/file.h"

namespace tank::cgroup {

namespace {

namespace fs = std::filesystem;

constexpr mode_t kMode = 0755;
// Each attempt lost means that another pod, the last of its kind, took the common parent away in between.
constexpr int kMostAttempts = 64;

Result<> write_value(const fs::path& file, std::string_view value) {
  // One write(2) per value: the kernel reads each as a whole.
  const sys::Fd fd = TRY(sys::open_path(file, O_WRONLY));
  return sys::write_all(fd, value).while_doing("writing '", value, "' to '", file.native(), "'");
}

Result<> apply_row(const Row& row) {
  Result<> written = write_value(row.file, row.value);
  if (written) return {};
  if (written.error().number() == ENOENT && row.presence == Row::Presence::where_it_exists) return {};
  return std::move(written).while_doing("setting the ", row.limit);
}

Result<> make_directory(const fs::path& directory) {
  const Result<> made = sys::make_dir_at(sys::Fd(), directory, kMode);
  if (made || made.error().kind() == Kind::exists) return {};
  return made;
}

bool is_word_of(std::string_view word, std::string_view text) {
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool starts = at == 0 || text[at - 1] == ' ';
    if (starts && (end == text.size() || text[end] == ' ' || text[end] == '\n')) return true;
  }
  return false;
}

Result<> enable_one(const fs::path& file, const Controller& controller) {
  Result<> enabled = write_value(file, "+" + controller.name);
  if (enabled || controller.need == Controller::Need::accounting) return {};
  return std::move(enabled).while_doing("enabling the ", controller.name, " controller for a limit");
}

/// A cgroup other than the very root may not have processes of its own and hand controllers on. It could hand on cpu
/// and pids, but that would turn it into a root of threaded cgroups, which can hold no container.
Result<> enable_none(const fs::path& directory, const std::vector<Controller>& controllers) {
  for (const Controller& controller : controllers) {
    if (controller.need == Controller::Need::accounting) continue;
    return error(Kind::busy, "enabling the ", controller.name, " controller for a limit: processes live in '",
                 directory.native(), "' itself; they must move to a cgroup below it first");
  }
  return {};
}

/// Lets the children of `directory` use the controllers.
Result<> enable(const fs::path& directory, const std::vector<Controller>& controllers) {
  if (controllers.empty()) return {};
  const fs::path file = directory / "cgroup.subtree_control";
  const std::string already = TRY(sys::read_file(file, 4096));
  std::string missing;
  for (const Controller& controller : controllers) {
    if (!is_word_of(controller.name, already)) missing += concat(missing.empty() ? "+" : " +", controller.name);
  }
  if (missing.empty()) return {};
  const Result<> enabled = write_value(file, missing);
  if (enabled) return {};
  if (enabled.error().number() == EBUSY) return enable_none(directory, controllers);
  // The kernel takes all or none of a line: find out which one it refuses, and whether that one matters.
  for (const Controller& controller : controllers) {
    if (!is_word_of(controller.name, already)) TRY(enable_one(file, controller));
  }
  return {};
}

Result<> make_unified_pod(const Plan& plan) {
  const fs::path parent = plan.unified_pod.parent_path();
  TRY(enable(plan.unified_root, plan.controllers));
  TRY(make_directory(parent));
  TRY(enable(parent, plan.controllers));
  TRY(make_directory(plan.unified_pod));
  return enable(plan.unified_pod, plan.controllers);
}

Result<> make_v1_pod(const fs::path& pod) {
  TRY(make_directory(pod.parent_path()));
  return make_directory(pod);
}

/// A pod that is being removed may take the common parent away between our making it and making the pod in it.
template <typename Make>
Result<> make_despite_removal(const Make& make) {
  for (int attempt = 1;; ++attempt) {
    Result<> made = make();
    if (made || attempt == kMostAttempts) return made;
    if (made.error().number() != ENOENT && made.error().number() != ENODEV) return made;
  }
}

Result<> make_fresh_leaf(const fs::path& directory) {
  Result<> made = sys::make_dir_at(sys::Fd(), directory, kMode);
  if (made || made.error().kind() != Kind::exists) return made;
  TRY(sys::remove_cgroup(directory).while_doing("a container of that name lives already"));
  return sys::make_dir_at(sys::Fd(), directory, kMode);
}

Result<> make_leaf(const LeafPlan& leaf) {
  if (!leaf.unified_directory.empty()) TRY(make_fresh_leaf(leaf.unified_directory));
  for (const fs::path& directory : leaf.v1_directories) TRY(make_fresh_leaf(directory));
  return {};
}

Result<> create_all(const Plan& plan) {
  if (!plan.unified_pod.empty()) TRY(make_despite_removal([&] { return make_unified_pod(plan); }));
  for (const fs::path& pod : plan.v1_pods) TRY(make_despite_removal([&] { return make_v1_pod(pod); }));
  for (const Row& row : plan.pod_rows) TRY(apply_row(row));
  for (const LeafPlan& leaf : plan.leaves) TRY(make_leaf(leaf).while_doing("container '", leaf.container, "'"));
  return {};
}

Result<> attach_devices(const LeafPlan& leaf) {
  if (leaf.device_program.empty()) return {};
  const sys::DirFd directory = TRY(sys::open_dir(leaf.unified_directory));
  const sys::Fd program = TRY(sys::bpf::load_device_program(leaf.device_program));
  return sys::bpf::attach_device_program(directory, program);
}

Result<> apply_all(const LeafPlan& leaf) {
  for (const Row& row : leaf.rows) TRY(apply_row(row));
  return attach_devices(leaf).while_doing("setting the device rules");
}

}  // namespace

Result<> create(const Plan& plan) {
  return create_all(plan).while_doing("creating the cgroups of pod '", plan.uid, "'");
}

Result<Leaf> open_leaf(const LeafPlan& leaf) {
  Leaf open;
  if (!leaf.unified_directory.empty()) open.unified = TRY(sys::open_dir(leaf.unified_directory));
  for (const fs::path& directory : leaf.v1_directories) {
    sys::Fd procs = TRY(sys::open_path(directory / "cgroup.procs", O_WRONLY));
    open.v1_procs.push_back(std::move(procs));
  }
  return open;
}

Result<> apply_limits(const LeafPlan& leaf) { return apply_all(leaf).while_doing("container '", leaf.container, "'"); }

}  // namespace tank::cgroup
