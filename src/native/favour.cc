#include "favour.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace opengslb {
namespace {

constexpr uint64_t kResetOnFork = 1;
// A flood is noticed after one or two of these.
constexpr uint64_t kWindowMs = 20;
constexpr uint64_t kMsNs = 1'000'000;
// Shares of the window that the thread waited for something to do. Below the first it shares the
// core, above the second it leads.
constexpr double kFull = 0.15;
constexpr double kRoom = 0.3;

// The kernel's own layout (sched_setattr(2), version 0), which glibc of Debian 12 does not declare.
struct SchedulingAttributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

int read(SchedulingAttributes &into) {
  return syscall(SYS_sched_getattr, 0, &into, sizeof(into), 0) < 0 ? -errno : 0;
}

int write(SchedulingAttributes &from) {
  from.size = sizeof(from);
  from.flags = kResetOnFork;
  return syscall(SYS_sched_setattr, 0, &from, 0) == 0 ? 0 : -errno;
}

}  // namespace

int Favour::share() {
  SchedulingAttributes wanted{};
  wanted.policy = SCHED_OTHER;
  wanted.nice = nice_;
  wanted.runtime = slice_ns_;
  return write(wanted);
}

int Favour::lead() {
  SchedulingAttributes wanted{};
  wanted.policy = SCHED_RR;
  wanted.priority = 1;
  return write(wanted);
}

int Favour::begin(napi_env env, int increment, uint64_t slice_ns, bool first) {
  SchedulingAttributes now{};
  const int fault = read(now);
  if (fault != 0) return fault;
  uv_loop_s *loop = nullptr;
  if (now.policy != SCHED_OTHER || napi_get_uv_event_loop(env, &loop) != napi_ok) return 0;
  auto *favour = new Favour(loop);
  favour->slice_ns_ = slice_ns;
  favour->nice_ = std::clamp(now.nice + increment, -20, 19);
  const int refused = favour->share();
  if (refused != 0) {
    favour->nice_ = now.nice;
    favour->share();
  }
  // Tried once, or every turn of a process that may not would ask in vain.
  const bool may = first && favour->lead() == 0 && favour->share() == 0;
  if (!may || favour->watch(env) != 0) delete favour;
  return refused;
}

int Favour::watch(napi_env env) {
  check_ = static_cast<uv_handle_s *>(std::calloc(1, uv_handle_size(kUvCheck)));
  if (check_ == nullptr) return -ENOMEM;
  const int made = uv_check_init(loop_, check_);
  if (made != 0) {
    std::free(check_);
    return made;
  }
  uv_handle_set_data(check_, this);
  uv_check_start(check_, on_turn);
  // It keeps no loop alive.
  uv_unref(check_);
  since_ms_ = uv_now(loop_);
  idle_ns_ = uv_metrics_idle_time(loop_);
  if (napi_add_async_cleanup_hook(env, on_end, this, &hook_) != napi_ok) {
    hook_ = nullptr;
    uv_close(check_, on_closed);
  }
  return 0;
}

void Favour::on_turn(uv_handle_s *handle) {
  static_cast<Favour *>(uv_handle_get_data(handle))->look();
}

void Favour::look() {
  const uint64_t now_ms = uv_now(loop_);
  const uint64_t took_ms = now_ms - since_ms_;
  if (took_ms < kWindowMs) return;
  const uint64_t idle_ns = uv_metrics_idle_time(loop_);
  const double idle = double(idle_ns - idle_ns_) / double(took_ms * kMsNs);
  since_ms_ = now_ms;
  idle_ns_ = idle_ns;
  if (leads_ ? idle < kFull : idle > kRoom) {
    if ((leads_ ? share() : lead()) == 0) leads_ = !leads_;
  }
}

void Favour::on_end(napi_async_cleanup_hook_handle, void *data) {
  auto *favour = static_cast<Favour *>(data);
  uv_close(favour->check_, on_closed);
}

void Favour::on_closed(uv_handle_s *handle) {
  auto *favour = static_cast<Favour *>(uv_handle_get_data(handle));
  std::free(handle);
  if (favour->hook_ != nullptr) napi_remove_async_cleanup_hook(favour->hook_);
  delete favour;
}

}  // namespace opengslb
