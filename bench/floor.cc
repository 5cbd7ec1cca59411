// The floor: the least the kernel asks for to run a program in a container of its own. One clone3 into fresh
// namespaces, the mounts every container has, pivot_root, exec, reap: prepared data and direct calls, no parsing, no
// protocol, no limits. What Tank takes on top of this is Tank's own cost.
//
// usage: bench_floor LOWER WORK ROUNDS PROGRAM; prints {"exec_us": […], "end_us": […]}: from before clone3 until the
// exec, and until the child is reaped. LOWER is an unpacked root, WORK an empty directory on a disk.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Plan {
  std::string root;
  std::string overlay;
  const char* program;
};

void must(long result, const char* doing) {
  if (result >= 0) return;
  std::fprintf(stderr, "bench_floor: %s: %s\n", doing, std::strerror(errno));
  ::_exit(125);
}

struct Device {
  const char* path;
  unsigned major;
  unsigned minor;
};
constexpr Device kDevices[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
                               {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};

struct Mount {
  const char* type;
  const char* target;
  unsigned long flags;
  const char* options;
};
constexpr unsigned long kTight = MS_NOSUID | MS_NODEV | MS_NOEXEC;
constexpr Mount kMounts[] = {
    {"proc", "proc", kTight, nullptr},
    {"tmpfs", "dev", MS_NOSUID, "mode=755,size=65536k"},
    {"devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"},
    {"tmpfs", "dev/shm", kTight, "mode=1777,size=65536k"},
    {"mqueue", "dev/mqueue", kTight, nullptr},
    {"sysfs", "sys", kTight | MS_RDONLY, nullptr},
};

[[noreturn]] void child(const Plan& plan) {
  must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "making mounts private");
  must(::mount("overlay", plan.root.c_str(), "overlay", 0, plan.overlay.c_str()), "mounting the overlay");
  must(::chdir(plan.root.c_str()), "entering the root");
  for (const Mount& mount : kMounts) {
    ::mkdir(mount.target, 0755);
    must(::mount(mount.type, mount.target, mount.type, mount.flags, mount.options), mount.target);
  }
  for (const Device& device : kDevices) {
    must(::mknod(device.path, S_IFCHR | 0666, makedev(device.major, device.minor)), device.path);
  }
  must(::syscall(SYS_pivot_root, ".", "."), "pivoting");
  must(::umount2(".", MNT_DETACH), "detaching the old root");
  must(::chdir("/"), "entering the new root");
  std::array<char*, 2> argv = {const_cast<char*>(plan.program), nullptr};
  std::array<char*, 1> envp = {nullptr};
  ::execve(plan.program, argv.data(), envp.data());
  must(-1, "executing the program");
  ::_exit(125);
}

struct Round {
  long exec_us;
  long end_us;
};

Round run_once(const Plan& plan) {
  std::array<int, 2> ends{};
  must(::pipe2(ends.data(), O_CLOEXEC), "making a pipe");
  clone_args args{};
  args.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
  args.exit_signal = SIGCHLD;
  const auto begin = Clock::now();
  const auto since_begin = [&] {
    return static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count());
  };
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  must(pid, "cloning");
  if (pid == 0) child(plan);
  ::close(ends[1]);
  // The end of file comes when exec closes the child's side.
  char nothing = 0;
  must(::read(ends[0], &nothing, 1), "waiting for the exec");
  const long exec_us = since_begin();
  int status = 0;
  must(::waitpid(static_cast<pid_t>(pid), &status, 0), "reaping");
  const long end_us = since_begin();
  ::close(ends[0]);
  if (status != 0) {
    std::fprintf(stderr, "bench_floor: the program ended with status %d\n", status);
    ::_exit(125);
  }
  return {exec_us, end_us};
}

std::string list_of(const std::vector<Round>& rounds, long Round::*member) {
  std::string text;
  for (const Round& round : rounds) text += (text.empty() ? "" : ", ") + std::to_string(round.*member);
  return "[" + text + "]";
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  const char* number = argc == 5 ? argv[3] : "";
  if (std::from_chars(number, number + std::strlen(number), count).ec != std::errc() || count < 1) {
    std::fprintf(stderr, "usage: bench_floor LOWER WORK ROUNDS PROGRAM\n");
    return 2;
  }
  const std::string work = argv[2];
  for (const char* name : {"/root", "/upper", "/work"}) ::mkdir((work + name).c_str(), 0755);
  const Plan plan{work + "/root",
                  std::string("lowerdir=") + argv[1] + ",upperdir=" + work + "/upper,workdir=" + work + "/work",
                  argv[4]};
  std::vector<Round> rounds;
  for (int i = 0; i < count; ++i) rounds.push_back(run_once(plan));
  std::printf("{\"exec_us\": %s, \"end_us\": %s}\n", list_of(rounds, &Round::exec_us).c_str(),
              list_of(rounds, &Round::end_us).c_str());
  return 0;
}
