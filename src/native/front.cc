#include "front.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace opengslb {

// What libuv and the environment hold of a front. It outlives the front until libuv has let go of
// the handle, and the environment waits for that.
struct Poll {
  uv_handle_s *handle;
  Front *front;
  napi_async_cleanup_hook_handle hook;
};

namespace {

// More would starve timers and messages: 512 datagrams keep the lag of the loop near 1.5 ms, eight
// times as many make it 11 ms and gain nothing.
constexpr int kBatchesPerTurn = 16;

// A fault that has a cause is over once it was read; a socket that goes on failing is broken.
constexpr int kFaultsMax = 16;

void on_closed(uv_handle_s *handle) {
  auto *poll = static_cast<Poll *>(uv_handle_get_data(handle));
  std::free(handle);
  if (poll->hook != nullptr) napi_remove_async_cleanup_hook(poll->hook);
  delete poll;
}

void on_environment_end(napi_async_cleanup_hook_handle, void *data) {
  auto *poll = static_cast<Poll *>(data);
  // When it was stopped before, on_closed is on its way and removes the hook.
  if (poll->front != nullptr) poll->front->let_go();
}

void on_readable(uv_handle_s *handle, int status, int) {
  auto *poll = static_cast<Poll *>(uv_handle_get_data(handle));
  if (poll->front == nullptr) return;
  if (status == 0) poll->front->turn();
  else poll->front->fault();
}

// A fault that belongs to an earlier datagram (an ICMP error come back) and not to the one at hand.
bool is_of_another(int code) {
  return code == ECONNREFUSED || code == EHOSTUNREACH || code == ENETUNREACH;
}

}  // namespace

Front::Front(napi_env env, int receiver, int sender, bool report_destination, const Slab &slab)
    : env_(env), receiver_(receiver), sender_(sender), report_destination_(report_destination),
      slab_(slab) {
  std::memset(in_, 0, sizeof(in_));
  std::memset(out_, 0, sizeof(out_));
  for (int at = 0; at < slab_.batch; at++) {
    in_parts_[at] = {slab_.in + size_t(at) * slab_.stride, slab_.stride};
    in_[at].msg_hdr.msg_iov = &in_parts_[at];
    in_[at].msg_hdr.msg_iovlen = 1;
    in_[at].msg_hdr.msg_name = slab_.peers + size_t(at) * kPeerBytes;
    if (report_destination_)
      in_[at].msg_hdr.msg_control = slab_.control + size_t(at) * kControlBytes;
  }
}

Front::~Front() {
  let_go();
  std::free(held_);
}

int Front::start(napi_value callback, napi_value keep_alive) {
  uv_loop_s *loop = nullptr;
  napi_value name = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok ||
      napi_create_string_utf8(env_, "opengslb:batch", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_reference(env_, callback, 1, &callback_) != napi_ok ||
      napi_create_reference(env_, keep_alive, 1, &keep_alive_) != napi_ok ||
      napi_async_init(env_, nullptr, name, &context_) != napi_ok) {
    let_go();
    return -EINVAL;
  }
  auto *handle = static_cast<uv_handle_s *>(std::calloc(1, uv_handle_size(kUvPoll)));
  if (handle == nullptr) {
    let_go();
    return -ENOMEM;
  }
  const int made = uv_poll_init(loop, handle, receiver_);
  if (made != 0) {
    std::free(handle);
    let_go();
    return made;
  }
  poll_ = new Poll{handle, this, nullptr};
  uv_handle_set_data(handle, poll_);
  int started = -EINVAL;
  if (napi_add_async_cleanup_hook(env_, on_environment_end, poll_, &poll_->hook) == napi_ok)
    started = uv_poll_start(handle, kUvReadable, on_readable);
  if (started != 0) let_go();
  else slab_.state[kReading] = 1;
  return started;
}

void Front::stop() {
  // What the callback was called with is still to be sent from the memory held here.
  if (turning_) stop_asked_ = true;
  else let_go();
}

void Front::let_go() {
  if (poll_ != nullptr) {
    slab_.state[kReading] = 0;
    uv_poll_stop(poll_->handle);
    poll_->front = nullptr;
    uv_close(poll_->handle, on_closed);
    poll_ = nullptr;
  }
  if (callback_ != nullptr) napi_delete_reference(env_, callback_);
  if (keep_alive_ != nullptr) napi_delete_reference(env_, keep_alive_);
  if (context_ != nullptr) napi_async_destroy(env_, context_);
  callback_ = nullptr;
  keep_alive_ = nullptr;
  context_ = nullptr;
}

void Front::turn() {
  if (poll_ == nullptr || turning_) return;
  napi_handle_scope handles = nullptr;
  if (napi_open_handle_scope(env_, &handles) != napi_ok) return;
  napi_callback_scope scope = nullptr;
  napi_value resource = nullptr;
  turning_ = true;
  // One scope for all batches of a turn: what its end does (promises, ticks) costs several queries.
  if (napi_get_global(env_, &resource) == napi_ok &&
      napi_open_callback_scope(env_, resource, context_, &scope) == napi_ok) {
    if (broken_) call(-1);
    else batches();
    napi_close_callback_scope(env_, scope);
  }
  napi_close_handle_scope(env_, handles);
  turning_ = false;
  // Only now: the scope belongs to what is let go.
  if (stop_asked_) let_go();
}

void Front::fault() {
  slab_.counters[kPollFaults] += 1;
  int error = 0;
  socklen_t bytes = sizeof(error);
  // Reading it takes it away, and what waits to be received is there all the same.
  getsockopt(receiver_, SOL_SOCKET, SO_ERROR, &error, &bytes);
  if (++faults_ < kFaultsMax && uv_poll_start(poll_->handle, kUvReadable, on_readable) == 0) return;
  // Deaf for good, where nobody would notice: whoever answers is told, and is to fall of it.
  broken_ = true;
  stop_asked_ = true;
  turn();
  // Also where there was no scope to call in.
  if (poll_ != nullptr && !turning_) let_go();
}

void Front::batches() {
  for (int batch = 0; batch < kBatchesPerTurn && !stop_asked_; batch++) {
    int count = adopt();
    const bool adopted = count > 0;
    if (!adopted) count = receive();
    if (count <= 0) return;
    const bool answered = call(count);
    send(count);
    if (answered) slab_.state[kPending] = 0;
    else keep(count);
    if (!answered) return;
    // A batch that is not full has drained the queue: spare the call that would say EAGAIN.
    if (!adopted && count < slab_.batch) return;
  }
}

// The batch that was cut short, with the lengths its headers had; 0 when there is none.
int Front::adopt() {
  const uint32_t count = slab_.state[kPending];
  if (count == 0 || count > uint32_t(slab_.batch)) return 0;
  for (uint32_t at = 0; at < count; at++) {
    const uint32_t *lengths = slab_.state + kLengths + 2 * at;
    msghdr &header = in_[at].msg_hdr;
    header.msg_namelen = lengths[0] <= kPeerBytes ? lengths[0] : kPeerBytes;
    const bool reported = report_destination_ && lengths[1] <= kControlBytes;
    header.msg_controllen = reported ? lengths[1] : 0;
  }
  return int(count);
}

void Front::keep(int count) {
  for (int at = 0; at < count; at++) {
    uint32_t *lengths = slab_.state + kLengths + 2 * at;
    lengths[0] = in_[at].msg_hdr.msg_namelen;
    lengths[1] = uint32_t(in_[at].msg_hdr.msg_controllen);
    // Sent just now; only what is unanswered is left to do.
    if (slab_.out_lengths[at] != kUnanswered) slab_.out_lengths[at] = 0;
  }
  slab_.state[kPending] = uint32_t(count);
}

int Front::receive() {
  for (int at = 0; at < slab_.batch; at++) {
    in_[at].msg_hdr.msg_namelen = kPeerBytes;
    // Without room for it the kernel need not write anything but the datagram and its source.
    in_[at].msg_hdr.msg_controllen = report_destination_ ? kControlBytes : 0;
    slab_.out_lengths[at] = kUnanswered;
  }
  const int count = recvmmsg(receiver_, in_, unsigned(slab_.batch), MSG_DONTWAIT, nullptr);
  if (count <= 0) return count;
  faults_ = 0;
  for (int at = 0; at < count; at++) {
    const bool oversized = (in_[at].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    // No query is that long; length 0 tells JavaScript to ignore it.
    slab_.in_lengths[at] = oversized ? 0 : in_[at].msg_len;
    if (oversized) slab_.counters[kOversized] += 1;
  }
  slab_.counters[kBatches] += 1;
  slab_.counters[kReceived] += count;
  return count;
}

// False when answering was cut short: an exception, or the end of the thread.
bool Front::call(int count) {
  napi_handle_scope handles = nullptr;
  if (napi_open_handle_scope(env_, &handles) != napi_ok) return false;
  napi_value callback = nullptr, receiver = nullptr, argument = nullptr;
  napi_status status = napi_get_reference_value(env_, callback_, &callback);
  if (status == napi_ok) status = napi_get_global(env_, &receiver);
  if (status == napi_ok) status = napi_create_int32(env_, count, &argument);
  if (status == napi_ok)
    status = napi_call_function(env_, receiver, callback, 1, &argument, nullptr);
  bool thrown = false;
  if (napi_is_exception_pending(env_, &thrown) == napi_ok && thrown) {
    napi_value error = nullptr;
    if (napi_get_and_clear_last_exception(env_, &error) == napi_ok)
      napi_fatal_exception(env_, error);
  }
  napi_close_handle_scope(env_, handles);
  return status == napi_ok;
}

// The reply goes where the query came from, and leaves from the address that was asked: what was
// received as PKTINFO is handed back, without the interface, which routing chooses.
void Front::address(msghdr &reply, msghdr &query) {
  reply.msg_name = query.msg_name;
  reply.msg_namelen = query.msg_namelen;
  reply.msg_control = nullptr;
  reply.msg_controllen = 0;
  if (!report_destination_) return;
  for (auto *part = CMSG_FIRSTHDR(&query); part != nullptr; part = CMSG_NXTHDR(&query, part)) {
    const bool v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO;
    const bool v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO;
    if (v4) {
      auto *info = reinterpret_cast<in_pktinfo *>(CMSG_DATA(part));
      info->ipi_spec_dst = info->ipi_addr;
      info->ipi_ifindex = 0;
    } else if (v6) {
      auto *info = reinterpret_cast<in6_pktinfo *>(CMSG_DATA(part));
      // A link-local address means nothing without its interface.
      if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) info->ipi6_ifindex = 0;
    } else {
      continue;
    }
    reply.msg_control = part;
    reply.msg_controllen = v4 ? CMSG_SPACE(sizeof(in_pktinfo)) : CMSG_SPACE(sizeof(in6_pktinfo));
    return;
  }
}

void Front::send(int count) {
  unsigned ready = 0;
  for (int at = 0; at < count; at++) {
    const uint32_t length = slab_.out_lengths[at];
    // kUnanswered is over any stride, and so is what is to be kept.
    if (length == 0 || length > slab_.stride) {
      if (length != kUnanswered && (length & kHold) != 0) hold(at, length & ~kHold);
      continue;
    }
    out_parts_[ready] = {slab_.out + size_t(at) * slab_.stride, length};
    msghdr &reply = out_[ready].msg_hdr;
    reply.msg_iov = &out_parts_[ready];
    reply.msg_iovlen = 1;
    reply.msg_flags = 0;
    address(reply, in_[at].msg_hdr);
    ready++;
  }
  send_all(ready);
}

// Whoever asked for it knows that there is room; what does not fit is as good as lost.
void Front::hold(int at, uint32_t length) {
  if (held_ == nullptr) held_ = static_cast<Held *>(std::calloc(kHeldMax, sizeof(Held)));
  if (held_ == nullptr || held_count_ == kHeldMax) return;
  Held &held = held_[(held_first_ + held_count_) % kHeldMax];
  held_count_++;
  held.bytes = length <= kHeldBytes && length <= slab_.stride ? length : 0;
  std::memcpy(held.reply, slab_.out + size_t(at) * slab_.stride, held.bytes);
  msghdr reply = {};
  address(reply, in_[at].msg_hdr);
  held.peer_bytes = reply.msg_namelen <= kPeerBytes ? reply.msg_namelen : kPeerBytes;
  std::memcpy(held.peer, reply.msg_name, held.peer_bytes);
  held.control_bytes = uint32_t(reply.msg_controllen <= kControlBytes ? reply.msg_controllen : 0);
  if (held.control_bytes > 0) std::memcpy(held.control, reply.msg_control, held.control_bytes);
}

void Front::release(uint32_t count, bool sends) {
  while (count > 0 && held_count_ > 0) {
    unsigned ready = 0;
    for (; count > 0 && held_count_ > 0 && ready < kBatchMax; count--) {
      Held &held = held_[held_first_];
      held_first_ = (held_first_ + 1) % kHeldMax;
      held_count_--;
      if (!sends || held.bytes == 0) continue;
      out_parts_[ready] = {held.reply, held.bytes};
      msghdr &reply = out_[ready].msg_hdr;
      reply.msg_iov = &out_parts_[ready];
      reply.msg_iovlen = 1;
      reply.msg_flags = 0;
      reply.msg_name = held.peer;
      reply.msg_namelen = held.peer_bytes;
      reply.msg_control = held.control_bytes > 0 ? held.control : nullptr;
      reply.msg_controllen = held.control_bytes;
      ready++;
    }
    send_all(ready);
  }
}

void Front::send_all(unsigned ready) {
  bool tried = false;
  for (unsigned done = 0; done < ready;) {
    const int sent = sendmmsg(sender_, out_ + done, ready - done, MSG_DONTWAIT);
    if (sent > 0) {
      done += unsigned(sent);
      slab_.counters[kSent] += sent;
      tried = false;
      continue;
    }
    if (errno == EINTR) continue;
    if (is_of_another(errno) && !tried) {
      tried = true;
      continue;
    }
    // The first of the rest cannot be sent (filtered, no route, a full buffer): it is given up.
    slab_.counters[kSendFaults] += 1;
    done++;
    tried = false;
  }
}

}  // namespace opengslb
