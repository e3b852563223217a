#include "front.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace opengslb {
namespace {

// More would starve timers and messages: 8 batches keep the lag of the loop near 1.5 ms, 64 make
// it 11 ms and gain nothing.
constexpr int kBatchesPerTurn = 8;

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
    in_[at].msg_hdr.msg_control = control_[at];
  }
  napi_add_env_cleanup_hook(env_, on_environment_end, this);
}

Front::~Front() {
  napi_remove_env_cleanup_hook(env_, on_environment_end, this);
}

int Front::start(napi_value callback, napi_value keep_alive) {
  uv_loop_s *loop = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return -EINVAL;
  poll_ = static_cast<uv_handle_s *>(std::calloc(1, uv_handle_size(kUvPoll)));
  if (poll_ == nullptr) return -ENOMEM;
  const int made = uv_poll_init(loop, poll_, receiver_);
  if (made != 0) {
    std::free(poll_);
    poll_ = nullptr;
    return made;
  }
  uv_handle_set_data(poll_, this);
  napi_create_reference(env_, callback, 1, &callback_);
  napi_create_reference(env_, keep_alive, 1, &keep_alive_);
  napi_value name = nullptr;
  napi_create_string_utf8(env_, "opengslb:batch", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env_, nullptr, name, &context_);
  return uv_poll_start(poll_, kUvReadable, on_readable);
}

void Front::stop() {
  if (poll_ == nullptr) return;
  uv_poll_stop(poll_);
  // The memory of the handle belongs to libuv until it says so.
  uv_handle_set_data(poll_, nullptr);
  uv_close(poll_, on_closed);
  poll_ = nullptr;
  napi_delete_reference(env_, callback_);
  napi_delete_reference(env_, keep_alive_);
  napi_async_destroy(env_, context_);
}

void Front::on_closed(uv_handle_s *handle) { std::free(handle); }

void Front::on_environment_end(void *self) { static_cast<Front *>(self)->stop(); }

void Front::on_readable(uv_handle_s *handle, int status, int) {
  auto *front = static_cast<Front *>(uv_handle_get_data(handle));
  if (front != nullptr && status == 0) front->turn();
}

void Front::turn() {
  for (int batch = 0; batch < kBatchesPerTurn; batch++) {
    const int count = receive();
    if (count <= 0) return;
    if (!call(count)) return;
    send(count);
    // A batch that is not full has drained the queue: spare the call that would say EAGAIN.
    if (count < slab_.batch) return;
  }
}

int Front::receive() {
  for (int at = 0; at < slab_.batch; at++) {
    in_[at].msg_hdr.msg_namelen = kPeerBytes;
    in_[at].msg_hdr.msg_controllen = kControlBytes;
  }
  const int count = recvmmsg(receiver_, in_, unsigned(slab_.batch), MSG_DONTWAIT, nullptr);
  if (count <= 0) return count;
  for (int at = 0; at < count; at++) {
    const bool oversized = (in_[at].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    // No query is that long; length 0 tells JavaScript to ignore it.
    slab_.in_lengths[at] = oversized ? 0 : in_[at].msg_len;
    if (oversized) slab_.counters[kOversized] += 1;
  }
  // The counter of the kernel is cumulative, so the last message of a batch is enough.
  note_control(in_[count - 1].msg_hdr);
  slab_.counters[kBatches] += 1;
  slab_.counters[kReceived] += count;
  return count;
}

void Front::note_control(const msghdr &header) {
  for (auto *part = CMSG_FIRSTHDR(&header); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr *>(&header), part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_RXQ_OVFL) continue;
    uint32_t drops = 0;
    std::memcpy(&drops, CMSG_DATA(part), sizeof(drops));
    slab_.counters[kKernelDrops] += uint32_t(drops - last_drops_);
    last_drops_ = drops;
  }
}

bool Front::call(int count) {
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env_, &scope);
  napi_value callback = nullptr, receiver = nullptr, argument = nullptr;
  napi_get_reference_value(env_, callback_, &callback);
  napi_get_global(env_, &receiver);
  napi_create_int32(env_, count, &argument);
  const auto status =
      napi_make_callback(env_, context_, receiver, callback, 1, &argument, nullptr);
  if (status == napi_pending_exception) {
    napi_value thrown = nullptr;
    napi_get_and_clear_last_exception(env_, &thrown);
    napi_fatal_exception(env_, thrown);
  }
  napi_close_handle_scope(env_, scope);
  // The callback may have stopped us.
  return status == napi_ok && poll_ != nullptr;
}

void Front::send(int count) {
  unsigned ready = 0;
  for (int at = 0; at < count; at++) {
    const uint32_t length = slab_.out_lengths[at];
    if (length == 0 || length > slab_.stride) continue;
    out_parts_[ready] = {slab_.out + size_t(at) * slab_.stride, length};
    msghdr &header = out_[ready].msg_hdr;
    header.msg_iov = &out_parts_[ready];
    header.msg_iovlen = 1;
    header.msg_name = in_[at].msg_hdr.msg_name;
    header.msg_namelen = in_[at].msg_hdr.msg_namelen;
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    header.msg_flags = 0;
    if (report_destination_) {
      // The reply leaves from the address that was asked: what was received as PKTINFO is handed
      // back, without the interface, which routing chooses.
      msghdr &asked = in_[at].msg_hdr;
      for (auto *part = CMSG_FIRSTHDR(&asked); part != nullptr; part = CMSG_NXTHDR(&asked, part)) {
        const bool v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO;
        const bool v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO;
        if (!v4 && !v6) continue;
        if (v4) {
          auto *info = reinterpret_cast<in_pktinfo *>(CMSG_DATA(part));
          info->ipi_spec_dst = info->ipi_addr;
          info->ipi_ifindex = 0;
        } else {
          auto *info = reinterpret_cast<in6_pktinfo *>(CMSG_DATA(part));
          // A link-local address means nothing without its interface.
          if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) info->ipi6_ifindex = 0;
        }
        header.msg_control = part;
        header.msg_controllen = v4 ? CMSG_SPACE(sizeof(in_pktinfo)) : CMSG_SPACE(sizeof(in6_pktinfo));
        break;
      }
    }
    ready++;
  }
  for (unsigned done = 0; done < ready;) {
    const int sent = sendmmsg(sender_, out_ + done, ready - done, MSG_DONTWAIT);
    if (sent > 0) {
      done += unsigned(sent);
      slab_.counters[kSent] += sent;
      continue;
    }
    if (errno == EINTR) continue;
    // The first of the rest cannot be sent (a peer that refuses, a full buffer): it is given up.
    slab_.counters[kSendFaults] += 1;
    done++;
  }
}

}  // namespace opengslb
