// How the kernel schedules a thread that answers.
//
// While the thread has time to spare it goes before every other one that wants its core (SCHED_RR
// at the lowest priority): what it then takes is little, and a query does not wait for what a timer,
// a collection or another process does. With none to spare it shares the core again, by its nice
// value, or a flood would leave the rest of the process a twentieth of it. The kernel lets nobody
// who is preempted back before its next tick, 4 ms on many kernels, whatever the slices of time are.
#pragma once
#include <node_api.h>

#include <cstdint>

#include "uv.h"

namespace opengslb {

class Favour {
 public:
  Favour(const Favour &) = delete;
  Favour &operator=(const Favour &) = delete;

  // The calling thread, which belongs to `env`: its nice value grows by `increment` and its slice of
  // time becomes `slice_ns`; 0 or -errno of the former. `first` lets it go before others as told
  // above, where the system permits that. A policy that an operator chose (chrt) stays as it is, and
  // what the thread starts is not favoured.
  static int begin(napi_env env, int increment, uint64_t slice_ns, bool first);

 private:
  explicit Favour(uv_loop_s *loop) : loop_(loop) {}

  static void on_turn(uv_handle_s *handle);
  static void on_end(napi_async_cleanup_hook_handle hook, void *data);
  static void on_closed(uv_handle_s *handle);
  int share();
  int lead();
  int watch(napi_env env);
  void look();

  uv_loop_s *loop_;
  uv_handle_s *check_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  int nice_ = 0;
  uint64_t slice_ns_ = 0;
  bool leads_ = false;
  uint64_t since_ms_ = 0;
  uint64_t idle_ns_ = 0;
};

}  // namespace opengslb
