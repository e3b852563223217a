// The batch front: readable -> recvmmsg into a slab -> one call into JavaScript -> sendmmsg.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <netinet/in.h>
#include <sys/socket.h>

#include "uv.h"

namespace opengslb {

constexpr int kBatchMax = 64;
constexpr int kPeerBytes = 28;  // sizeof(sockaddr_in6), the larger of the two.
constexpr int kControlBytes = 128;

// Memory shared with JavaScript; each is one ArrayBuffer, sized for the batch.
struct Slab {
  uint8_t *in;             // batch x stride
  uint8_t *out;            // batch x stride
  uint8_t *peers;          // batch x kPeerBytes, a sockaddr each
  uint32_t *in_lengths;    // batch
  uint32_t *out_lengths;   // batch; 0 sends nothing
  double *counters;        // see Counter
  uint32_t stride;
  int batch;
};

enum Counter { kBatches, kReceived, kSent, kSendFaults, kKernelDrops, kOversized, kCounterCount };

class Front {
 public:
  Front(napi_env env, int receiver, int sender, bool report_destination, const Slab &slab);
  ~Front();
  Front(const Front &) = delete;
  Front &operator=(const Front &) = delete;

  // 0 or a libuv error. `callback(count)` is called once a batch.
  int start(napi_value callback, napi_value keep_alive);
  // Stops reading; the descriptors stay open, they belong to whoever opened them.
  void stop();

 private:
  static void on_readable(uv_handle_s *handle, int status, int events);
  static void on_closed(uv_handle_s *handle);
  static void on_environment_end(void *self);
  void turn();
  int receive();
  bool call(int count);
  void send(int count);
  void note_control(const msghdr &header);

  napi_env env_;
  int receiver_;
  int sender_;
  bool report_destination_;
  Slab slab_;
  uv_handle_s *poll_ = nullptr;
  napi_ref callback_ = nullptr;
  napi_ref keep_alive_ = nullptr;
  napi_async_context context_ = nullptr;
  uint32_t last_drops_ = 0;
  mmsghdr in_[kBatchMax];
  iovec in_parts_[kBatchMax];
  mmsghdr out_[kBatchMax];
  iovec out_parts_[kBatchMax];
  alignas(cmsghdr) uint8_t control_[kBatchMax][kControlBytes];
};

}  // namespace opengslb
