#include "kernel/shim/rig.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "sys/file.h"

namespace tank::shim::test {

namespace fs = std::filesystem;

namespace {

fs::path here() { return fs::read_symlink("/proc/self/exe").parent_path(); }

bool wait_readable(int fd) {
  pollfd watched{fd, POLLIN, 0};
  return poll(&watched, 1, static_cast<int>(kPatience.count())) == 1;
}

}  // namespace

Scratch::Scratch() {
  std::string pattern = (fs::temp_directory_path() / "tank-shim-test-XXXXXX").native();
  path_ = mkdtemp(pattern.data());
}

Scratch::~Scratch() {
  const Result<> removed = sys::remove_tree(path_);
  EXPECT_TRUE(removed) << removed.error().sentence();
}

fs::path shim_program() { return here().parent_path() / "bin" / "tank-shim"; }

void make_root(const fs::path& root) {
  for (const auto* name : {"bin", "etc", "tmp"}) fs::create_directories(root / name);
  fs::copy_file(here() / "shim_payload", root / "bin" / "payload");
}

oci::Config standard_config(std::vector<std::string> args) {
  oci::Config config;
  config.process.args = std::move(args);
  config.process.env = {"PATH=/usr/bin:/bin"};
  config.mounts = {
      {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
      {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
      {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
      {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
      {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
  };
  config.linux_.masked_paths = {"/proc/acpi",
                                "/proc/asound",
                                "/proc/kcore",
                                "/proc/keys",
                                "/proc/latency_stats",
                                "/proc/timer_list",
                                "/proc/timer_stats",
                                "/proc/sched_debug",
                                "/proc/scsi",
                                "/sys/firmware",
                                "/sys/devices/virtual/powercap"};
  config.linux_.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  const std::vector<std::string> usual = {"CAP_CHOWN", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"};
  config.process.capabilities.bounding = usual;
  config.process.capabilities.effective = usual;
  config.process.capabilities.permitted = usual;
  config.process.no_new_privileges = true;
  return config;
}

std::string read_to_end(int fd) {
  std::string out;
  char buffer[4096];
  while (true) {
    if (!wait_readable(fd)) {
      ADD_FAILURE() << "nothing to read in time; so far: " << out;
      return out;
    }
    const ssize_t size = read(fd, buffer, sizeof buffer);
    if (size <= 0) return out;
    out.append(buffer, static_cast<std::size_t>(size));
  }
}

void read_until(int fd, const std::string& line) {
  std::string out;
  char letter = 0;
  while (out.find(line + "\n") == std::string::npos) {
    if (!wait_readable(fd) || read(fd, &letter, 1) != 1) {
      ADD_FAILURE() << "'" << line << "' did not come; so far: " << out;
      return;
    }
    out += letter;
  }
}

std::string host_mounts() {
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool process_exists(pid_t pid) { return kill(pid, 0) == 0; }

bool wait_until_gone(pid_t pid) {
  const sys::Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return !process.is_open() || wait_readable(process.get());
}

std::string value_of(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.rfind(key, 0) != 0 || line.size() <= key.size()) continue;
    const char after = line[key.size()];
    if (after != ' ' && after != ':') continue;
    const std::size_t start = line.find_first_not_of(" :\t", key.size());
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "(no " + key + ")";
}

Rig::Rig(OnOwnerLoss loss) {
  make_root(root());
  fs::create_directory(path("merged"));
  PodPlan pod;
  pod.name = "default/web";
  pod.hostname = "web";
  pod.on_owner_loss = loss;
  auto spawned = Client::spawn(shim_program(), socket(), pod);
  if (!spawned) {
    ADD_FAILURE() << spawned.error().sentence();
    std::abort();
  }
  client_.emplace(std::move(*spawned));
  shim_ = client_->pid();
}

Rig::~Rig() {
  client_.reset();
  // Whatever the test did, its shim must not outlive it.
  const sys::Fd process(static_cast<int>(syscall(SYS_pidfd_open, shim_, 0)));
  if (!process.is_open()) return;
  (void)syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  siginfo_t about{};
  waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process.get()), &about, WEXITED);
}

void Rig::settle() {
  ContainerPlan impossible = plan({"payload"}, "settle");
  impossible.config.root.path = "/nonexistent";
  create_failing(impossible);
}

ContainerPlan Rig::plan(std::vector<std::string> args, const std::string& name) {
  ContainerPlan plan;
  plan.name = name;
  plan.config = standard_config(std::move(args));
  plan.config.root.path = path("merged");
  plan.overlay.lower = {root()};
  plan.overlay.upper = path(name + "-upper");
  plan.overlay.work = path(name + "-work");
  // Fresh each time: a volatile overlay refuses to take up the writable layer of another.
  for (const fs::path& part : {plan.overlay.upper, plan.overlay.work}) {
    EXPECT_TRUE(sys::remove_tree(part));
    fs::create_directory(part);
  }
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  outputs_[name] = sys::Fd(ends[0]);
  inputs_[name] = sys::Fd(ends[1]);
  plan.stdio[1] = ends[1];
  plan.stdio[2] = ends[1];
  return plan;
}

Notice Rig::next() {
  auto notice = client_->receive(kPatience);
  if (!notice || !*notice) {
    ADD_FAILURE() << (notice ? "no notice came in time" : notice.error().sentence());
    return {};
  }
  return std::move(**notice);
}

Notice Rig::expect(Notice::Type type, const std::string& name) {
  Notice notice = next();
  EXPECT_STREQ(to_string(notice.type), to_string(type))
      << notice.container << " value " << notice.value << " in " << notice.step << ": " << notice.text;
  EXPECT_EQ(notice.container, name);
  return notice;
}

pid_t Rig::start(const ContainerPlan& plan) {
  const Result<> created = client_->create(plan);
  EXPECT_TRUE(created) << created.error().sentence();
  const Notice ready = expect(Notice::Type::ready, plan.name);
  hand_over(plan.name);
  EXPECT_TRUE(client_->proceed(plan.name));
  const Notice running = expect(Notice::Type::running, plan.name);
  EXPECT_EQ(running.host_pid, ready.host_pid);
  return running.host_pid;
}

std::string Rig::run(const ContainerPlan& plan) {
  start(plan);
  std::string out = read_to_end(output(plan.name));
  EXPECT_EQ(expect(Notice::Type::exited, plan.name).value, 0) << out;
  return out;
}

Notice Rig::create_failing(const ContainerPlan& plan) {
  const Result<> created = client_->create(plan);
  EXPECT_TRUE(created) << created.error().sentence();
  return expect(Notice::Type::failed, plan.name);
}

void Rig::dismiss() {
  const Result<> dismissed = client_->dismiss();
  EXPECT_TRUE(dismissed) << dismissed.error().sentence();
  EXPECT_TRUE(client_->reap());
  EXPECT_FALSE(process_exists(shim_));
}

const char* to_string(Notice::Type type) {
  switch (type) {
    case Notice::Type::ready: return "ready";
    case Notice::Type::running: return "running";
    case Notice::Type::exited: return "exited";
    case Notice::Type::signaled: return "signaled";
    case Notice::Type::failed: return "failed";
    case Notice::Type::aborted: return "aborted";
  }
  return "?";
}

}  // namespace tank::shim::test
