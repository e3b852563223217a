// The batch front: readable -> recvmmsg into a slab -> one call into JavaScript -> sendmmsg.
//
// The slab is memory of the main thread, lent with the sockets. A batch whose answering was cut
// short, because the thread was ended in the middle of it, stays in the slab and is finished by the
// front that takes up the same sockets. Nothing is received while such a batch waits.
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
// An output length no answer can have: this datagram is not answered yet.
constexpr uint32_t kUnanswered = 0xffffffff;
// Set in an output length: the answer is kept until it is released (Front::release).
constexpr uint32_t kHold = 0x80000000;
// Of answers that are kept: how many at most, and octets of one.
constexpr uint32_t kHeldMax = 512;
constexpr uint32_t kHeldBytes = 512;

// Layout of Slab::state: two words, then two for each datagram of a batch that was cut short.
// kReading is 1 while a front reads.
enum State { kPending, kReading, kLengths };

// Memory shared with JavaScript; each is one typed array, sized for the batch.
struct Slab {
  uint8_t *in;             // batch x stride
  uint8_t *out;            // batch x stride
  uint8_t *peers;          // batch x kPeerBytes, a sockaddr each
  uint8_t *control;        // batch x kControlBytes, the address each datagram was sent to, on a wildcard
  uint32_t *in_lengths;    // batch; 0 for a datagram longer than the stride
  uint32_t *out_lengths;   // batch; 0 sends nothing
  uint32_t *state;         // see State
  double *counters;        // see Counter
  uint32_t stride;
  int batch;
};

enum Counter {
  kBatches,
  kReceived,
  kSent,
  kSendFaults,
  kOversized,
  kPollFaults,
  kCounterCount,
};

// An answer that is kept, and all that sending it wants.
struct Held {
  uint8_t peer[kPeerBytes];
  uint8_t control[kControlBytes];
  uint8_t reply[kHeldBytes];
  uint32_t peer_bytes;
  uint32_t control_bytes;
  uint32_t bytes;
};

struct Poll;

class Front {
 public:
  Front(napi_env env, int receiver, int sender, bool report_destination, const Slab &slab);
  ~Front();
  Front(const Front &) = delete;
  Front &operator=(const Front &) = delete;

  // 0 or a negative error. `callback(count)` is called once a batch, and with -1 once where the
  // socket cannot be waited for any more, which ends reading; `keep_alive` holds the arrays
  // of the slab and the handle of this front for as long as it reads.
  int start(napi_value callback, napi_value keep_alive);
  // What a readable socket does, without waiting for one: finishes a batch that was cut short.
  void turn();
  // What a socket does that failed instead of being readable, after libuv stopped waiting for it.
  void fault();
  // Sends or forgets the oldest of the answers that are kept.
  void release(uint32_t count, bool sends);
  // Stops reading, after the batch in hand; the descriptors stay open, they belong to whoever opened
  // them.
  void stop();
  // The same at once: the environment ends, or the front itself.
  void let_go();

 private:
  void batches();
  int adopt();
  int receive();
  bool call(int count);
  void send(int count);
  void keep(int count);
  void address(msghdr &reply, msghdr &query);
  void hold(int at, uint32_t length);
  void send_all(unsigned ready);

  napi_env env_;
  int receiver_;
  int sender_;
  bool report_destination_;
  Slab slab_;
  Poll *poll_ = nullptr;
  bool turning_ = false;
  bool stop_asked_ = false;
  // Faults in a row, and whether they were too many.
  int faults_ = 0;
  bool broken_ = false;
  napi_ref callback_ = nullptr;
  napi_ref keep_alive_ = nullptr;
  napi_async_context context_ = nullptr;
  mmsghdr in_[kBatchMax];
  iovec in_parts_[kBatchMax];
  mmsghdr out_[kBatchMax];
  iovec out_parts_[kBatchMax];
  // A ring, made when the first answer is kept.
  Held *held_ = nullptr;
  uint32_t held_first_ = 0;
  uint32_t held_count_ = 0;
};

}  // namespace opengslb
