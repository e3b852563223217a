// Load over UDP from thousands of client networks through one socket: each datagram carries the
// source address it is to leave from.
#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "window.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace bench {
namespace {

constexpr int kReceiveBatch = 64;
constexpr uint32_t kSegmentsMax = 64;
// Messages of one sendmmsg.
constexpr uint32_t kSendBatch = 16;
constexpr size_t kRoom = 4096;
constexpr int kSocketBuffer = 4 << 20;

class Udp {
 public:
  explicit Udp(const Plan &plan, Window &window) : plan_(plan), window_(window), random_(plan.seed) {}

  bool open() {
    fd_ = socket(AF_INET, SOCK_DGRAM, 0);
    const int room = kSocketBuffer;
    for (const int name : {SO_RCVBUFFORCE, SO_SNDBUFFORCE})
      setsockopt(fd_, SOL_SOCKET, name, &room, sizeof(room));
    server_.sin_family = AF_INET;
    server_.sin_port = htons(uint16_t(plan_.port));
    sockaddr_in any{};
    any.sin_family = AF_INET;
    in_addr clients{};
    if (inet_pton(AF_INET, plan_.clients.c_str(), &clients) != 1) return false;
    clients_ = ntohl(clients.s_addr);
    if (inet_pton(AF_INET, plan_.address.c_str(), &server_.sin_addr) != 1 ||
        bind(fd_, reinterpret_cast<sockaddr *>(&any), sizeof(any)) != 0)
      return false;
    for (int at = 0; at < kReceiveBatch; at++) {
      in_parts_[at] = {room_[at], kRoom};
      in_[at].msg_hdr.msg_iov = &in_parts_[at];
      in_[at].msg_hdr.msg_iovlen = 1;
    }
    return true;
  }

  // Sends whole groups while the window has room for them.
  bool send_closed(uint64_t now) {
    uint32_t groups = 0;
    while (groups < kSendBatch && window_.free() >= plan_.segments) {
      const Kind *kind = window_.draw();
      for (uint32_t at = 0; at < plan_.segments; at++)
        out_parts_[groups][at] = {window_.ask(kind, now), kind->length()};
      address_group(groups++, plan_.segments, kind->length());
    }
    flush(groups);
    return groups > 0;
  }

  // Sends what is due, one datagram a message, so that none waits for another.
  bool send_due(Phases &phases, uint64_t now) {
    uint32_t groups = 0;
    for (uint64_t due_at = 0; groups < kSendBatch && phases.due(now, &due_at);) {
      if (window_.free() == 0) {
        window_.skip();
        continue;
      }
      const Kind *kind = window_.draw();
      out_parts_[groups][0] = {window_.ask(kind, due_at), kind->length()};
      address_group(groups++, 1, kind->length());
    }
    flush(groups);
    return groups > 0;
  }

  bool receive() {
    const int count = recvmmsg(fd_, in_, kReceiveBatch, MSG_DONTWAIT, nullptr);
    if (count <= 0) return false;
    const uint64_t now = now_ns();
    for (int at = 0; at < count; at++) window_.take(room_[at], in_[at].msg_len, now);
    return true;
  }

 private:
  void address_group(uint32_t group, uint32_t segments, uint32_t length) {
    msghdr &header = out_[group].msg_hdr;
    header.msg_name = &server_;
    header.msg_namelen = sizeof(server_);
    header.msg_iov = out_parts_[group];
    header.msg_iovlen = segments;
    header.msg_control = control_[group];
    header.msg_controllen = sizeof(control_[group]);
    cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = IPPROTO_IP;
    part->cmsg_type = IP_PKTINFO;
    part->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    // Clients live in networks of 256 addresses each.
    const uint32_t network = random_.below(plan_.prefixes);
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = htonl(clients_ + (network << 8) + 1 + random_.below(250));
    std::memcpy(CMSG_DATA(part), &info, sizeof(info));
    size_t used = CMSG_SPACE(sizeof(in_pktinfo));
    if (segments > 1) {
      part = reinterpret_cast<cmsghdr *>(control_[group] + used);
      part->cmsg_level = SOL_UDP;
      part->cmsg_type = UDP_SEGMENT;
      part->cmsg_len = CMSG_LEN(sizeof(uint16_t));
      const uint16_t size = uint16_t(length);
      std::memcpy(CMSG_DATA(part), &size, sizeof(size));
      used += CMSG_SPACE(sizeof(uint16_t));
    }
    header.msg_controllen = used;
  }

  void flush(uint32_t groups) {
    for (uint32_t done = 0; done < groups;) {
      const int sent = sendmmsg(fd_, out_ + done, groups - done, 0);
      if (sent < 0 && errno == EINTR) continue;
      // What cannot be sent counts as lost when its time is over.
      done += sent > 0 ? uint32_t(sent) : 1;
    }
  }

  const Plan &plan_;
  Window &window_;
  Random random_;
  int fd_ = -1;
  uint32_t clients_ = 0;
  sockaddr_in server_{};
  uint8_t room_[kReceiveBatch][kRoom];
  mmsghdr in_[kReceiveBatch] = {};
  iovec in_parts_[kReceiveBatch];
  mmsghdr out_[kSendBatch] = {};
  iovec out_parts_[kSendBatch][kSegmentsMax];
  alignas(8) uint8_t control_[kSendBatch][CMSG_SPACE(sizeof(in_pktinfo)) + CMSG_SPACE(2)];
};

}  // namespace

int run_udp(const Plan &plan, Window &window, Phases &phases) {
  static Udp udp(plan, window);
  if (plan.segments == 0 || plan.segments > kSegmentsMax || plan.segments > plan.window ||
      !udp.open()) {
    std::perror("generator");
    return 1;
  }
  for (uint64_t now = now_ns(); phases.turn(now); now = now_ns()) {
    const bool sent = phases.asking() &&
        (plan.rate > 0 ? udp.send_due(phases, now) : udp.send_closed(now));
    phases.turned(udp.receive() || sent);
  }
  return 0;
}

}  // namespace bench
