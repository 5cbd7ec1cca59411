// Who owns a shim, what happens without an owner, and what a shim is to the host.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "kernel/shim/rig.h"
#include "sys/file.h"

namespace tank::shim::test {
namespace {

namespace fs = std::filesystem;
using Type = Notice::Type;
using std::chrono::milliseconds;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

fs::path proc(pid_t pid) { return concat("/proc/", pid); }

/// Waits until the shim has dealt with what happened before: it answers a later owner's connect only then.
Client reconnect(Rig& rig) {
  auto client = Client::connect(rig.socket());
  if (!client) {
    ADD_FAILURE() << client.error().sentence();
    std::abort();
  }
  return std::move(*client);
}

TEST(ShimOwner, ItsLossEndsThePodThatShallNotOutliveIt) {
  Rig rig(OnOwnerLoss::end_pod);
  const pid_t pid = rig.start(rig.plan({"payload", "pause"}));
  ContainerPlan ignoring = rig.plan({"payload", "ignore", "15"}, "side");
  ignoring.grace = milliseconds(50);
  const pid_t side = rig.start(ignoring);
  read_until(rig.output("side"), "waiting");
  ContainerPlan quick = rig.plan({"payload", "exit", "0"}, "parked");
  ASSERT_TRUE(rig.client().create(quick));
  const pid_t parked = rig.expect(Type::ready, "parked").host_pid;
  // The first container is pid 1 without a handler for its stop signal, and its grace is long: end it by hand.
  ASSERT_TRUE(rig.client().stop("main", milliseconds(50)));
  rig.drop_client();
  EXPECT_TRUE(wait_until_gone(rig.shim()));
  for (const pid_t gone : {pid, side, parked}) EXPECT_FALSE(process_exists(gone));
}

/// What a doomed owner tells its test before it is killed.
struct Doomed {
  pid_t container = 0;
  pid_t shim = 0;
  char scratch[128] = "";
};

[[noreturn]] void own_until_killed(int report) {
  auto* rig = new Rig(OnOwnerLoss::end_pod);
  ContainerPlan plan = rig->plan({"payload", "pause"});
  plan.grace = milliseconds(20);
  Doomed doomed;
  doomed.container = rig->start(plan);
  doomed.shim = rig->shim();
  rig->root().parent_path().native().copy(doomed.scratch, sizeof doomed.scratch - 1);
  if (write(report, &doomed, sizeof doomed) != static_cast<ssize_t>(sizeof doomed)) _exit(1);
  while (true) pause();
}

TEST(ShimOwner, AKilledOwnerProcessIsALostOwner) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t owner = fork();
  ASSERT_GE(owner, 0);
  if (owner == 0) own_until_killed(ends[1]);
  Doomed doomed;
  ASSERT_EQ(read(ends[0], &doomed, sizeof doomed), static_cast<ssize_t>(sizeof doomed));
  EXPECT_TRUE(process_exists(doomed.container));
  ASSERT_EQ(kill(owner, SIGKILL), 0);
  ASSERT_EQ(waitpid(owner, nullptr, 0), owner);
  EXPECT_TRUE(wait_until_gone(doomed.shim));
  EXPECT_FALSE(process_exists(doomed.container));
  EXPECT_TRUE(sys::remove_tree(doomed.scratch));
}

TEST(ShimOwner, ItsSuccessorLearnsWhatHappened) {
  Rig rig(OnOwnerLoss::wait);
  rig.start(rig.plan({"payload", "pause"}, "living"));
  const pid_t ending = rig.start(rig.plan({"payload", "catch", std::to_string(SIGUSR1), "9"}, "ending"));
  read_until(rig.output("ending"), "waiting");
  ASSERT_TRUE(rig.client().create(rig.plan({"payload", "exit", "0"}, "parked")));
  const pid_t parked = rig.expect(Type::ready, "parked").host_pid;
  rig.drop_client();
  // Parked containers belong to the bring-up of an owner that is gone.
  ASSERT_TRUE(wait_until_gone(parked));
  ASSERT_EQ(kill(ending, SIGUSR1), 0);
  ASSERT_TRUE(wait_until_gone(ending));

  rig.adopt(reconnect(rig));
  EXPECT_EQ(rig.client().pid(), rig.shim());
  std::map<std::string, Notice> words;
  for (int i = 0; i < 3; ++i) {
    Notice notice = rig.next();
    words[notice.container] = std::move(notice);
  }
  EXPECT_EQ(words.at("living").type, Type::running);
  EXPECT_EQ(words.at("ending").type, Type::exited);
  EXPECT_EQ(words.at("ending").value, 9);
  EXPECT_EQ(words.at("parked").type, Type::aborted);
  ASSERT_TRUE(rig.client().stop("living", milliseconds(0)));
  EXPECT_EQ(rig.expect(Type::signaled, "living").value, SIGKILL);
  rig.dismiss();
}

TEST(ShimOwner, AShimThatWaitsStaysAfterTheLastContainer) {
  Rig rig(OnOwnerLoss::wait);
  const pid_t pid = rig.start(rig.plan({"payload", "catch", std::to_string(SIGUSR1), "4"}));
  read_until(rig.output(), "waiting");
  rig.drop_client();
  ASSERT_EQ(kill(pid, SIGUSR1), 0);
  ASSERT_TRUE(wait_until_gone(pid));
  for (int round = 0; round < 2; ++round) {
    rig.adopt(reconnect(rig));
    EXPECT_EQ(rig.expect(Type::exited).value, 4);
    rig.drop_client();
  }
  rig.adopt(reconnect(rig));
  rig.expect(Type::exited);
  rig.dismiss();
}

TEST(ShimOwner, ThereIsOnlyOneAtATime) {
  Rig rig;
  rig.settle();
  const auto second = Client::connect(rig.socket());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), Kind::busy);
  rig.dismiss();
}

TEST(ShimOwner, NobodyListensAfterTheEnd) {
  Rig rig;
  rig.dismiss();
  const auto late = Client::connect(rig.socket());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind(), Kind::not_found);
  const auto never = Client::connect(rig.path("never.sock"));
  ASSERT_FALSE(never);
  EXPECT_EQ(never.error().kind(), Kind::not_found);
}

TEST(ShimOwner, AnotherUserIsDenied) {
  Rig rig(OnOwnerLoss::wait);
  struct stat about {};
  ASSERT_EQ(stat(rig.socket().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777U, 0600U);
  rig.settle();
  rig.drop_client();
  // Even with the door open, the shim itself asks who is there.
  fs::permissions(rig.socket(), fs::perms(0666));
  fs::permissions(rig.socket().parent_path(), fs::perms(0755));
  const pid_t stranger = fork();
  if (stranger == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(2);
    const auto client = Client::connect(rig.socket());
    _exit(client ? 1 : client.error().kind() == Kind::denied ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(waitpid(stranger, &status, 0), stranger);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  rig.adopt(reconnect(rig));
  rig.expect(Type::failed, "settle");
  rig.dismiss();
}

TEST(ShimOwner, GarbageCostsTheConnection) {
  Rig rig(OnOwnerLoss::wait);
  rig.settle();
  ASSERT_EQ(send(rig.client().channel().get(), "hello", 5, MSG_NOSIGNAL), 5);
  const auto notice = rig.client().receive(kPatience);
  ASSERT_FALSE(notice);
  EXPECT_EQ(notice.error().kind(), Kind::unavailable);
  rig.drop_client();
  rig.adopt(reconnect(rig));
  rig.expect(Type::failed, "settle");
  rig.dismiss();
}

TEST(ShimOwner, ASlowOneHearsEverythingInTheEnd) {
  Rig rig;
  ContainerPlan plan = rig.plan({"payload", "exit", "0"});
  plan.config.root.path = concat("/nonexistent/", std::string(200, 'x'));
  constexpr int kMany = 400;
  for (int i = 0; i < kMany; ++i) {
    plan.name = concat("c", i);
    ASSERT_TRUE(rig.client().create(plan));
  }
  std::map<std::string, int> heard;
  for (int i = 0; i < kMany; ++i) {
    const Notice notice = rig.next();
    EXPECT_EQ(notice.type, Type::failed);
    ++heard[notice.container];
  }
  EXPECT_EQ(heard.size(), static_cast<std::size_t>(kMany));
  const auto more = rig.client().receive(milliseconds(0));
  EXPECT_TRUE(more && !*more);
  rig.dismiss();
}

TEST(ShimProcess, ItsDeathIsTheDeathOfItsContainers) {
  Rig rig;
  const pid_t main = rig.start(rig.plan({"payload", "ignore", "15"}));
  ContainerPlan with_init = rig.plan({"payload", "pause"}, "side");
  with_init.init = true;
  with_init.config.process.user.uid = 1000;
  const pid_t side = rig.start(with_init);
  ASSERT_TRUE(rig.client().create(rig.plan({"payload", "pause"}, "parked")));
  const pid_t parked = rig.expect(Type::ready, "parked").host_pid;
  ASSERT_EQ(kill(rig.shim(), SIGKILL), 0);
  for (const pid_t pid : {main, side, parked}) EXPECT_TRUE(wait_until_gone(pid));
  EXPECT_FALSE(rig.client().receive(kPatience));
}

TEST(ShimProcess, HoldsNothingOfWhoeverStartedIt) {
  const int leaked = open("/tmp", O_RDONLY | O_DIRECTORY);  // not close-on-exec, as a careless program leaves it
  Rig rig(OnOwnerLoss::wait);
  rig.start(rig.plan({"payload", "pause"}));
  for (const auto& entry : fs::directory_iterator(proc(rig.shim()) / "fd")) {
    const std::string target = fs::read_symlink(entry.path());
    const int number = std::stoi(entry.path().filename());
    if (number < 3) {
      EXPECT_EQ(target, "/dev/null");
    } else {
      EXPECT_TRUE(target.rfind("socket:", 0) == 0 || target.rfind("anon_inode:", 0) == 0) << target;
    }
  }
  EXPECT_EQ(fs::read_symlink(proc(rig.shim()) / "cwd"), "/");
  EXPECT_EQ(text_of(proc(rig.shim()) / "environ"), "");
  EXPECT_EQ(getsid(rig.shim()), rig.shim());
  close(leaked);
}

TEST(ShimProcess, IsNamedAfterItsPod) {
  Rig rig;
  rig.run(rig.plan({"payload", "exit", "0"}));
  EXPECT_EQ(text_of(proc(rig.shim()) / "cmdline").c_str(), std::string("tank-shim: default/web"));
  EXPECT_EQ(text_of(proc(rig.shim()) / "comm"), "tank-shim\n");
}

TEST(ShimProcess, StopsThePodOnSigterm) {
  Rig rig(OnOwnerLoss::wait);
  ContainerPlan plan = rig.plan({"payload", "ignore", "15"});
  plan.grace = milliseconds(20);
  rig.start(plan);
  ASSERT_EQ(kill(rig.shim(), SIGTERM), 0);
  EXPECT_EQ(rig.expect(Type::signaled).value, SIGKILL);
  EXPECT_TRUE(rig.client().reap());
}

TEST(ShimProcess, TakesASocketPathOfAnyLength) {
  Scratch scratch;
  const fs::path deep = scratch.path() / std::string(120, 'd') / std::string(60, 'e');
  fs::create_directories(deep);
  PodPlan pod;
  pod.name = "default/deep";
  pod.network = pod.ipc = pod.uts = Share::host;
  pod.on_owner_loss = OnOwnerLoss::wait;
  const fs::path socket = deep / "shim.sock";
  {
    auto first = Client::spawn(shim_program(), socket, pod);
    ASSERT_TRUE(first) << first.error().sentence();
    const auto again = Client::spawn(shim_program(), socket, pod);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind(), Kind::exists);
    // An answer is proof that it listens.
    ContainerPlan impossible;
    impossible.name = "main";
    impossible.config.process.args = {"x"};
    impossible.config.root.path = "/nonexistent";
    ASSERT_TRUE(first->create(impossible));
    ASSERT_TRUE(first->receive(kPatience));
  }
  auto second = Client::connect(socket);
  ASSERT_TRUE(second) << second.error().sentence();
  ASSERT_TRUE(second->receive(kPatience));
  EXPECT_TRUE(second->dismiss());
  EXPECT_TRUE(second->reap());
}

TEST(ShimProcess, AMissingProgramIsToldAndLeavesNoSocket) {
  Scratch scratch;
  const auto client = Client::spawn("/nonexistent/tank-shim", scratch.path() / "shim.sock", PodPlan{});
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().kind(), Kind::not_found);
  std::ofstream(scratch.path() / "script") << "not a program";
  const auto other = Client::spawn(scratch.path() / "script", scratch.path() / "shim.sock", PodPlan{});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().number(), EACCES);
  EXPECT_FALSE(fs::exists(scratch.path() / "shim.sock"));
}

TEST(ShimProcess, IsSmallWhileItsPodRuns) {
  Rig rig;
  rig.start(rig.plan({"payload", "pause"}));
  const auto measure = [&] { return std::stol(value_of(text_of(proc(rig.shim()) / "smaps_rollup"), "Pss")); };
  long pss = measure();
  // It gives memory back after a quiet moment.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (pss > 400 && std::chrono::steady_clock::now() < deadline) pss = measure();
  RecordProperty("pss_kb", static_cast<int>(pss));
  std::printf("tank-shim: %ld kB PSS\n", pss);
#ifdef NDEBUG
  EXPECT_LE(pss, 400);
#else
  EXPECT_GT(pss, 0);  // the budget is for what is shipped
#endif
}

TEST(ShimProcess, WaitsWithoutATimeoutWhileItsPodRuns) {
  Rig rig;
  rig.start(rig.plan({"payload", "pause"}));
  // Number and arguments of the system call it is in; epoll_pwait's fourth is the timeout, −1 for none.
  const auto waits_for_ever = [&] {
    std::istringstream call(text_of(proc(rig.shim()) / "syscall"));
    std::string number, descriptor, events, most, timeout;
    call >> number >> descriptor >> events >> most >> timeout;
    return number == std::to_string(SYS_epoll_pwait) &&
           std::stoull(timeout, nullptr, 16) % (1ULL << 32U) == 0xffffffffU;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!waits_for_ever() && std::chrono::steady_clock::now() < deadline) continue;
  EXPECT_TRUE(waits_for_ever()) << text_of(proc(rig.shim()) / "syscall");
}

}  // namespace
}  // namespace tank::shim::test
