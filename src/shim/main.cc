// tank-shim: the parent of one pod's containers. Started by the owner with its channel as descriptor 3, its listening
// socket as 4 and nothing else; all it is to do comes over the channel.
#include <csignal>

#include "shim/pod.h"
#include "sys/path_in_root.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"

namespace {

using namespace tank;

constexpr int kChannel = 3;
constexpr int kListener = 4;
constexpr int kBacklog = 8;
constexpr int kUsage = 64;  // sysexits.h

Result<> run() {
  sys::Fd channel(kChannel);
  sys::Fd listener(kListener);
  TRY(sys::peer_of(channel));
  // We listen, not who bound the socket: connecting owners then see our process in SO_PEERCRED.
  TRY(sys::listen_on(listener, kBacklog));
  sys::set_process_name("tank-shim");
  (void)sys::new_session();
  TRY(sys::enter_directory("/"));
  sys::set_file_mode_mask(0);
  sys::reset_signals();
  sys::ignore_signal(SIGPIPE);
  sys::Fd signals = TRY(sys::make_signal_fd({SIGTERM, SIGINT, SIGHUP, SIGQUIT}));
  sys::Epoll epoll = TRY(sys::Epoll::make());
  shim::Pod pod(std::move(epoll), std::move(signals), std::move(channel), std::move(listener));
  return pod.run();
}

}  // namespace

int main() {
  const tank::Result<> ran = run();
  if (ran) return 0;
  (void)tank::sys::write_small(2, tank::concat("tank-shim is started by tank, one for each pod, and of no use ",
                                               "by hand (", ran.error().sentence(), ")\n"));
  return kUsage;
}
