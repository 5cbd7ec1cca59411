// The undo of create(): from the uid alone, in every hierarchy, whatever state the pod is in. Mostly nothing lives any
// more and it is a handful of rmdir(2); else the processes are killed first, and cgroups made inside the pod go with
// it.

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include "cgroup/apply.h"
#include "sys/cgroup.h"
#include "sys/file.h"

namespace tank::cgroup {

namespace {

namespace fs = std::filesystem;

constexpr int kMostAttempts = 1000;

bool is_missing(const Error& error) { return error.kind() == Kind::not_found || error.number() == ENODEV; }

/// Each hierarchy once: several v1 controllers may share one. The unified one first, since killing there reaches most.
std::vector<fs::path> hierarchies(const Layout& layout) {
  std::vector<fs::path> mounts;
  if (!layout.unified.empty()) mounts.push_back(layout.unified);
  std::set<fs::path> v1;
  for (const auto& [controller, mount] : layout.v1) v1.insert(mount);
  mounts.insert(mounts.end(), v1.begin(), v1.end());
  return mounts;
}

/// Calls visit(parent, name) for every cgroup below `top`, children before their parent. Holds one descriptor however
/// deep the tree: it was made by whoever lived in the container.
template <typename Visit>
Result<> walk_below(const sys::DirFd& top, const Visit& visit) {
  struct Level {
    std::string name;
    std::vector<std::string> children;
  };
  sys::DirFd current = TRY(sys::open_dir_at(top, "."));
  std::vector<Level> levels(1);
  levels[0].children = TRY(sys::list_subdirectories(current));
  for (;;) {
    if (!levels.back().children.empty()) {
      Level next;
      next.name = std::move(levels.back().children.back());
      levels.back().children.pop_back();
      Result<sys::DirFd> child = sys::open_dir_at(current, next.name);
      if (!child && is_missing(child.error())) continue;
      if (!child) return child.error();
      current = *std::move(child);
      next.children = TRY(sys::list_subdirectories(current));
      levels.push_back(std::move(next));
      continue;
    }
    if (levels.size() == 1) return {};
    sys::DirFd parent = TRY(sys::open_dir_at(current, ".."));
    current = std::move(parent);
    TRY(visit(current, levels.back().name));
    levels.pop_back();
  }
}

/// One round of killing one by one: for v1 hierarchies and kernels before cgroup.kill.
Result<std::vector<sys::PidFd>> kill_each(const sys::DirFd& pod) {
  std::vector<sys::PidFd> killed;
  TRY(sys::kill_cgroup_processes(pod, killed));
  TRY(walk_below(pod, [&](const sys::DirFd& parent, const std::string& name) -> Result<> {
    const Result<sys::DirFd> cgroup = sys::open_dir_at(parent, name);
    if (!cgroup) return is_missing(cgroup.error()) ? Result<>() : Result<>(cgroup.error());
    return sys::kill_cgroup_processes(*cgroup, killed);
  }));
  return killed;
}

Error still_alive() {
  return error(Kind::timeout, "its processes were killed but have not ended (they may hang in the kernel)");
}

/// Until nobody is found any more: what was forked between list and signal is found in the next round.
Result<> end_each(const sys::DirFd& pod, sys::Deadline deadline) {
  for (;;) {
    const std::vector<sys::PidFd> killed = TRY(kill_each(pod));
    if (killed.empty()) return {};
    const bool ended = TRY(sys::wait_ended(killed, deadline));
    if (!ended || std::chrono::steady_clock::now() >= deadline) return still_alive();
  }
}

Result<> end_processes(const sys::DirFd& pod, sys::Deadline deadline) {
  const Result<> killed = sys::kill_cgroup(pod);
  if (!killed && is_missing(killed.error())) return end_each(pod, deadline);
  if (!killed) return killed;
  const bool ended = TRY(sys::wait_unpopulated(pod, deadline));
  return ended ? Result<>() : Result<>(still_alive());
}

/// The usual case: true when the leaves were empty and are gone.
Result<bool> remove_empty_leaves(const sys::DirFd& pod) {
  const std::vector<std::string> leaves = TRY(sys::list_subdirectories(pod));
  for (const std::string& leaf : leaves) {
    const Result<> removed = sys::remove_cgroup(pod, leaf);
    if (!removed && removed.error().number() == EBUSY) return false;
    if (!removed) return removed.error();
  }
  return true;
}

/// Everything below and the processes of the pod itself. Again while the kernel says busy: a clone into the cgroup may
/// have been under way, and a process may be told dead a moment before its cgroup is told so.
Result<> end_and_empty(const sys::DirFd& pod, sys::Deadline deadline) {
  for (int attempt = 1;; ++attempt) {
    TRY(end_processes(pod, deadline));
    const Result<> removed = walk_below(
        pod, [](const sys::DirFd& parent, const std::string& name) { return sys::remove_cgroup(parent, name); });
    if (removed || removed.error().number() != EBUSY || attempt == kMostAttempts) return removed;
    std::this_thread::yield();
  }
}

Result<> remove_leaves(const sys::DirFd& pod, sys::Deadline deadline) {
  const bool removed = TRY(remove_empty_leaves(pod));
  if (removed) return {};
  return end_and_empty(pod, deadline);
}

/// The common parent stays while another pod is in it. One that is not there, or was never ours to remove since nothing
/// of this pod was (a hierarchy mounted read-only), is no failure either.
Result<> remove_parent(const fs::path& parent) {
  const Result<sys::DirFd> there = sys::open_dir(parent);
  if (!there) return is_missing(there.error()) ? Result<>() : Result<>(there.error());
  const Result<> removed = sys::remove_cgroup(parent);
  if (removed || removed.error().number() == EBUSY || removed.error().number() == EROFS) return {};
  return removed;
}

Result<> remove_from(const fs::path& mount, const Layout& layout, const std::string& uid, sys::Deadline deadline) {
  const fs::path parent = mount / layout.parent;
  const fs::path directory = parent / directory_name(uid);
  const Result<sys::DirFd> pod = sys::open_dir(directory);
  if (!pod && !is_missing(pod.error())) return pod.error();
  if (pod) {
    // Missing now: another process is removing the same pod, and that is as good.
    const Result<> emptied = remove_leaves(*pod, deadline);
    if (!emptied && !is_missing(emptied.error())) return emptied;
    Result<> removed = sys::remove_cgroup(directory);
    if (!removed && removed.error().number() == EBUSY) {
      // Processes in the pod's own directory: only somebody on the host can have put them there.
      TRY(end_and_empty(*pod, deadline));
      removed = sys::remove_cgroup(directory);
    }
    TRY(std::move(removed));
  }
  return remove_parent(parent);
}

}  // namespace

Result<> remove(const Layout& layout, const std::string& uid, std::chrono::milliseconds patience) {
  TRY(check_uid(uid));
  TRY(check_uid(layout.parent).while_doing("parent cgroup"));
  const sys::Deadline deadline = std::chrono::steady_clock::now() + patience;
  std::optional<Error> failure;
  for (const fs::path& mount : hierarchies(layout)) {
    Result<> removed = remove_from(mount, layout, uid, deadline)
                           .while_doing("removing the cgroups of pod '", uid, "' from '", mount.native(), "'");
    if (removed) continue;
    if (failure) {
      failure->add_undo_error(std::move(removed.error()));
    } else {
      failure = std::move(removed.error());
    }
  }
  if (failure) return *std::move(failure);
  return {};
}

}  // namespace tank::cgroup
