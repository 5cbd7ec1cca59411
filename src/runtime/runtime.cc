// The Runtime object: one thread that brings the pod up, watches it, and takes it down, and the little state that other
// threads may ask for.
#include "tank/runtime.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "runtime/bring_up.h"
#include "runtime/clean_up.h"
#include "runtime/record.h"
#include "runtime/supervision.h"
#include "sys/event.h"

namespace tank {

namespace runtime {

namespace {

RecordHeader header_of(const Pod& pod, const RuntimeOptions& options) {
  RecordHeader header;
  header.pod = to_string_key(pod);
  header.uid = options.uid.empty() ? derive_uid(pod, options.run_dir) : options.uid;
  header.data_dir = options.data_dir;
  header.run_dir = options.run_dir;
  header.owner_loss = options.owner_loss;
  for (const Container& container : pod.containers) header.containers.push_back(container.name);
  header.links = pod.nics.size();
  return header;
}

/// Claims the pod's run directory, taking down first what a dead owner left there.
Result<Record> claim(const RecordHeader& header) {
  constexpr int kAttempts = 8;
  for (int attempt = 1;; ++attempt) {
    Result<Record> record = Record::create(header);
    if (record) return record;
    if (record.error().kind() == Kind::busy) return error(Kind::busy, "pod ", header.pod, " is running");
    const bool in_the_way = record.error().kind() == Kind::exists;
    const bool just_removed = record.error().kind() == Kind::not_found;
    if (attempt == kAttempts || !(in_the_way || just_removed)) return record;
    if (just_removed) continue;
    const CleanedPod last = clean_up_pod(header.data_dir, header.run_dir, header.uid);
    if (!last.errors.empty()) {
      return Error(last.errors.front()).while_doing(concat("cleaning up the last run of pod ", header.pod));
    }
    if (last.pod.empty()) return error(Kind::busy, "pod ", header.pod, " is running");
  }
}

}  // namespace

}  // namespace runtime

class Runtime::Impl {
 public:
  Impl(Pod pod, RuntimeOptions options, runtime::Record record, sys::EventFd wake)
      : pod_(std::move(pod)),
        options_(std::move(options)),
        record_(std::move(record)),
        uid_(record_.content().header.uid),
        wake_(std::move(wake)),
        supervision_(pod_, options_, record_, wake_) {}

  ~Impl() {
    if (!thread_.joinable()) return;
    stop(std::chrono::milliseconds(0));
    thread_.join();
  }

  void start() {
    thread_ = std::thread([this] { finish(supervision_.run_new()); });
  }
  void adopt(shim::Client client) {
    thread_ =
        std::thread([this, shim = std::move(client)]() mutable { finish(supervision_.run_adopted(std::move(shim))); });
  }

  void stop(std::optional<std::chrono::milliseconds> grace) {
    supervision_.stop(grace.value_or(pod_.termination_grace));
  }

  StopReason wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return reason_.has_value(); });
    return *reason_;
  }

  const Pod& pod() const { return pod_; }
  const std::string& uid() const { return uid_; }
  runtime::Supervision& supervision() { return supervision_; }

 private:
  void finish(StopReason reason) {
    const std::lock_guard lock(mutex_);
    reason_ = std::move(reason);
    ended_.notify_all();
  }

  const Pod pod_;
  const RuntimeOptions options_;
  runtime::Record record_;
  const std::string uid_;
  sys::EventFd wake_;
  runtime::Supervision supervision_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<StopReason> reason_;
  std::thread thread_;
};

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runtime::~Runtime() = default;

Result<std::unique_ptr<Runtime>> Runtime::start(Pod pod, RuntimeOptions options) {
  if (pod.containers.empty()) return error(Kind::invalid, "pod ", to_string_key(pod), " has no containers");
  runtime::Record record = TRY(runtime::claim(runtime::header_of(pod, options)));
  sys::EventFd wake = TRY(sys::EventFd::create());
  auto impl = std::make_unique<Impl>(std::move(pod), std::move(options), std::move(record), std::move(wake));
  impl->start();
  return std::unique_ptr<Runtime>(new Runtime(std::move(impl)));
}

Result<std::unique_ptr<Runtime>> Runtime::reconnect(Pod pod, RuntimeOptions options) {
  const runtime::RecordHeader header = runtime::header_of(pod, options);
  runtime::Record record = TRY(runtime::Record::open(header.run_dir, header.uid));
  shim::Client shim = TRY(shim::Client::connect(record.directory() / runtime::kSocketName));
  sys::EventFd wake = TRY(sys::EventFd::create());
  auto impl = std::make_unique<Impl>(std::move(pod), std::move(options), std::move(record), std::move(wake));
  impl->adopt(std::move(shim));
  return std::unique_ptr<Runtime>(new Runtime(std::move(impl)));
}

void Runtime::detach() { impl_->supervision().detach(); }
void Runtime::stop(std::optional<std::chrono::milliseconds> grace) { impl_->stop(grace); }
StopReason Runtime::wait() { return impl_->wait(); }
const Pod& Runtime::pod() const { return impl_->pod(); }
const std::string& Runtime::uid() const { return impl_->uid(); }

Result<pid_t> Runtime::host_pid(const std::string& container) const { return impl_->supervision().host_pid(container); }

Result<ExecContext> Runtime::exec_context(const std::string& container) const {
  return impl_->supervision().exec_context(container);
}

Result<int> Runtime::begin_attach(const std::string& container) { return impl_->supervision().begin_attach(container); }
void Runtime::end_attach(const std::string& container) { impl_->supervision().end_attach(container); }

std::string to_string(const StopReason& reason) {
  struct Words {
    std::string operator()(const Normal&) const { return "normal"; }
    std::string operator()(const WorkloadExited& exited) const { return concat("exited ", exited.code); }
    std::string operator()(const WorkloadSignaled& signaled) const {
      return concat("killed by signal ", signaled.signum, signaled.oom_killed ? " (out of memory)" : "");
    }
    std::string operator()(const Abnormal& abnormal) const {
      return concat("failed: ", tank::to_string(abnormal.error));
    }
  };
  return std::visit(Words{}, reason);
}

}  // namespace tank
