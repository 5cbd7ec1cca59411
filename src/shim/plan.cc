#include "shim/plan.h"

#include "sys/seccomp.h"

namespace tank::shim {

namespace {

// The least a text takes: its length and its zero.
constexpr std::size_t kLeastText = 5;
constexpr std::size_t kLeastMount = 4 * kLeastText + 2 + 16 + 4;

std::vector<const char*> read_texts(Reader& in) {
  std::vector<const char*> out(in.count(kLeastText));
  for (const char*& text : out) text = in.text();
  return out;
}

/// As execve(2) wants it.
std::vector<const char*> read_terminated(Reader& in) {
  std::vector<const char*> out = read_texts(in);
  out.push_back(nullptr);
  return out;
}

MountStep read_mount(Reader& in) {
  MountStep step;
  step.destination = in.text();
  step.type = in.text();
  step.source = in.text();
  step.subdirectory = in.text();
  step.is_bind = in.flag();
  step.is_recursive = in.flag();
  step.set = in.number<std::uint64_t>();
  step.clear = in.number<std::uint64_t>();
  if (((step.set | step.clear) & ~sys::mount_attribute::kAll) != 0) in.fail();
  step.options.resize(in.count(1 + kLeastText));
  for (sys::FilesystemOption& option : step.options) {
    const bool has_value = in.flag();
    option.key = in.text();
    if (has_value) option.value = in.text();
  }
  return step;
}

void read_root(Reader& in, Plan& plan) {
  plan.root = in.text();
  plan.lower = read_texts(in);
  plan.upper = in.text();
  plan.work = in.text();
  plan.mounts.resize(in.count(kLeastMount));
  for (MountStep& step : plan.mounts) step = read_mount(in);
  plan.devices.resize(in.count(kLeastText + 12));
  for (DeviceStep& device : plan.devices) {
    device.path = in.text();
    device.mode = in.number<std::uint32_t>();
    device.major = in.number<std::uint32_t>();
    device.minor = in.number<std::uint32_t>();
  }
  plan.masked = read_texts(in);
  plan.readonly = read_texts(in);
  plan.sysctl.resize(in.count(2 * kLeastText));
  for (auto& [key, value] : plan.sysctl) {
    key = in.text();
    value = in.text();
  }
}

void read_process(Reader& in, Plan& plan) {
  plan.arguments = read_terminated(in);
  plan.environment = read_terminated(in);
  plan.directory = in.text();
  plan.uid = in.number<std::uint32_t>();
  plan.gid = in.number<std::uint32_t>();
  plan.groups.resize(in.count(4));
  for (std::uint32_t& group : plan.groups) group = in.number<std::uint32_t>();
  CapabilitySets& sets = plan.capabilities;
  for (std::uint64_t* set : {&sets.bounding, &sets.effective, &sets.permitted, &sets.inheritable, &sets.ambient}) {
    *set = in.number<std::uint64_t>();
  }
  plan.limits.resize(in.count(20));
  for (LimitStep& limit : plan.limits) {
    limit.resource = in.number<std::int32_t>();
    limit.soft = in.number<std::uint64_t>();
    limit.hard = in.number<std::uint64_t>();
  }
  if (in.flag()) plan.oom_score_adjustment = in.number<std::int32_t>();
  plan.seccomp = in.block();
}

bool is_sound(const Plan& plan) {
  if (plan.name[0] == '\0' || plan.root[0] != '/' || plan.arguments.size() < 2) return false;
  if (plan.stop_signal < 1 || plan.stop_signal > 64 || plan.grace_ms < 0) return false;
  return plan.seccomp.size() % sys::kFilterInstructionSize == 0 &&
         plan.seccomp.size() / sys::kFilterInstructionSize <= sys::kMaxFilterInstructions;
}

}  // namespace

Result<Plan> decode_plan(std::string_view bytes) {
  Reader in(bytes);
  Plan plan;
  if (in.number<std::uint32_t>() != kPlanMagic) return error(Kind::corrupt, "these bytes are no container plan");
  plan.name = in.text();
  plan.init = in.flag();
  plan.terminal = in.flag();
  plan.no_new_privileges = in.flag();
  plan.readonly_root = in.flag();
  plan.stop_signal = in.number<std::int32_t>();
  plan.grace_ms = in.number<std::int64_t>();
  read_root(in, plan);
  read_process(in, plan);
  if (!in.finished() || !is_sound(plan)) return error(Kind::corrupt, "a container plan is damaged");
  return plan;
}

}  // namespace tank::shim
