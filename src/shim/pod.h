// The shim's loop: one owner, the pod's containers, nothing else. It waits on descriptors only; a clock runs only while
// a container is being stopped.
#pragma once

#include <optional>
#include <vector>

#include "shim/container.h"
#include "shim/message.h"
#include "sys/epoll.h"
#include "sys/fd.h"

namespace tank::shim {

class Pod {
 public:
  Pod(sys::Epoll epoll, sys::Fd signals, sys::Fd channel, sys::Fd listener)
      : epoll_(std::move(epoll)),
        signals_(std::move(signals)),
        channel_(std::move(channel)),
        listener_(std::move(listener)) {}

  /// Until it is dismissed, or its reason to be is gone.
  Result<> run();

 private:
  Result<> watch_all();
  void handle(const sys::Epoll::Event& event);
  void handle_container(Container& container, int descriptor);
  void accept_owner();
  void hear_owner();
  void obey(const Request& request, std::vector<sys::Fd> descriptors);
  void set_up(const PodPlan& plan, std::vector<sys::Fd> descriptors);
  void create(const Request& request, std::vector<sys::Fd> descriptors);
  void dismiss();
  void lose_owner();
  void end_pod();
  void tell_owner();
  /// False when the channel is full: the rest waits until it is not.
  bool send(const Answer& answer, int descriptor);
  Container* find(const std::string& name);
  bool all_ended() const;
  int patience() const;
  bool may_shrink() const;
  Result<sys::Epoll::Events> rest();

  sys::Epoll epoll_;
  sys::Fd signals_;
  sys::Fd channel_;  ///< closed while there is no owner
  sys::Fd listener_;
  bool attached_ = true;  ///< the owner has said attach, or was here from the start
  bool writing_ = false;  ///< the channel is watched for room
  bool is_set_up_ = false;
  bool proceeded_ = false;  ///< some container was told to, at some time
  bool ending_ = false;
  bool launched_ = false;  ///< the memory that launching took has not been given back yet
  bool done_ = false;
  OnOwnerLoss on_owner_loss_ = OnOwnerLoss::end_pod;
  std::optional<Error> failure_;  ///< of the pod's namespaces; what every create is answered with
  std::vector<Container> containers_;
};

}  // namespace tank::shim
