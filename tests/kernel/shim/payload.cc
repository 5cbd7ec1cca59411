// What runs inside the containers of these tests: one static program whose first argument says what to do or to look
// at. It prints what it saw as "key value" lines and needs nothing of the root it runs in.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

void say(const char* word) {
  std::printf("%s\n", word);
  std::fflush(stdout);
}

void print_file(const char* path) {
  FILE* file = std::fopen(path, "r");
  if (file == nullptr) {
    std::printf("error %s %d\n", path, errno);
    return;
  }
  char line[4096];
  while (std::fgets(line, sizeof line, file) != nullptr) std::fputs(line, stdout);
  std::fclose(file);
}

void print_descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    const int number = std::atoi(entry->d_name);
    if (entry->d_name[0] == '.' || number == dirfd(directory)) continue;
    char path[64];
    char target[PATH_MAX] = "";
    std::snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
    (void)!readlink(path, target, sizeof target - 1);
    std::printf("fd %d %s\n", number, target);
  }
  closedir(directory);
}

void print_self() {
  char directory[PATH_MAX] = "?";
  (void)!getcwd(directory, sizeof directory);
  char host[256] = "?";
  gethostname(host, sizeof host);
  const mode_t mask = umask(0);
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  int blocked_count = 0;
  int ignored_count = 0;
  for (int signum = 1; signum < NSIG; ++signum) {
    if (sigismember(&blocked, signum) == 1) ++blocked_count;
    struct sigaction action {};
    if (sigaction(signum, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) ++ignored_count;
  }
  std::printf("pid %d\ncwd %s\nhostname %s\numask %04o\nblocked %d\nignored %d\n", getpid(), directory, host, mask,
              blocked_count, ignored_count);
  std::printf("session %d\nstdin_char %d\n", getsid(0), isatty(0));
  print_descriptors();
  print_file("/proc/self/status");
}

void print_stat(const char* path) {
  struct stat about {};
  if (lstat(path, &about) < 0) {
    std::printf("stat %s errno %d\n", path, errno);
  } else {
    std::printf("stat %s mode %o rdev %u:%u uid %u\n", path, about.st_mode, static_cast<unsigned>(about.st_rdev >> 8U),
                static_cast<unsigned>(about.st_rdev & 0xffU), about.st_uid);
  }
}

void try_open(const char* path, int flags) {
  const int fd = open(path, flags);
  std::printf("open %s %d\n", path, fd < 0 ? errno : 0);
}

void print_terminal() {
  winsize size{};
  ioctl(0, TIOCGWINSZ, &size);
  const int controlling = open("/dev/tty", O_RDWR);
  std::printf("isatty %d%d%d\nsize %dx%d\ncontrolling %d\nname %s\nforeground %d\n", isatty(0), isatty(1), isatty(2),
              size.ws_col, size.ws_row, controlling >= 0, ttyname(0), tcgetpgrp(0) == getpgrp());
  print_stat("/dev/console");
}

/// Leaves an orphan behind that ends, and tells whether it is gone a moment later: an init that reaps sees to that.
int leave_orphan() {
  int ended[2];
  (void)!pipe(ended);
  if (fork() == 0) {
    if (fork() == 0) {
      // Our parent's end makes us an orphan.
      while (getppid() != 1) sched_yield();
      const pid_t self = getpid();
      (void)!write(ended[1], &self, sizeof self);
      _exit(0);
    }
    _exit(0);
  }
  wait(nullptr);
  pid_t orphan = 0;
  (void)!read(ended[0], &orphan, sizeof orphan);
  for (long tries = 0; tries < 100000000; ++tries) {
    if (kill(orphan, 0) < 0 && errno == ESRCH) return 0;
    sched_yield();
  }
  return 1;
}

volatile sig_atomic_t caught = 0;
void on_signal(int signum) { caught = signum; }

int wait_for(int signum, int code) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  signal(signum, on_signal);
  say("waiting");
  while (caught != signum) sigsuspend(&before);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const char* verb = argc > 1 ? argv[1] : "";
  const auto is = [&](const char* name) { return std::strcmp(verb, name) == 0; };
  const auto argument = [&](int index) { return index < argc ? argv[index] : ""; };
  if (is("exit")) return std::atoi(argument(2));
  if (is("pause")) {
    say("waiting");
    while (true) pause();
  }
  if (is("ignore")) {
    signal(std::atoi(argument(2)), SIG_IGN);
    say("waiting");
    while (true) pause();
  }
  if (is("catch")) return wait_for(std::atoi(argument(2)), std::atoi(argument(3)));
  if (is("raise")) {
    raise(std::atoi(argument(2)));
    return 99;
  }
  if (is("orphan")) return leave_orphan();
  if (is("self")) print_self();
  if (is("terminal")) print_terminal();
  if (is("env")) {
    for (char** entry = environ; *entry != nullptr; ++entry) std::printf("env %s\n", *entry);
  }
  if (is("cat")) {
    for (int i = 2; i < argc; ++i) print_file(argv[i]);
  }
  if (is("stat")) {
    for (int i = 2; i < argc; ++i) print_stat(argv[i]);
  }
  if (is("read")) {
    for (int i = 2; i < argc; ++i) try_open(argv[i], O_RDONLY);
  }
  if (is("write")) {
    for (int i = 2; i < argc; ++i) try_open(argv[i], O_WRONLY);
  }
  if (is("create")) {
    for (int i = 2; i < argc; ++i) try_open(argv[i], O_WRONLY | O_CREAT | O_EXCL);
  }
  if (is("keyring")) std::printf("keyring %ld\n", syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0));
  if (is("unshare")) std::printf("unshare %d\n", unshare(CLONE_NEWNS) < 0 ? errno : 0);
  if (is("mkdir")) std::printf("mkdir %d\n", mkdir(argument(2), 0755) < 0 ? errno : 0);
  return 0;
}
