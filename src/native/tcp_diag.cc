#include "tcp_diag.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace opengslb {
namespace {

// What one recv may bring: the kernel fills dump buffers of 32 KiB at most (netlink_recvmsg).
constexpr size_t kReceiveBytes = 64 * 1024;
// The kernel runs the filter over every socket, so it stays short; past this all are looked at here.
constexpr size_t kFilterPortsMax = 64;

// The kernel may be older or newer than our headers: only what both know is read.
void put_info(uint8_t *row, const uint8_t *data, size_t length) {
  tcp_info info;
  std::memset(&info, 0, sizeof(info));
  std::memcpy(&info, data, length < sizeof(info) ? length : sizeof(info));
  put(row, kRowHasInfo, uint16_t(1));
  put(row, kRowRtt, uint32_t(info.tcpi_rtt));
  put(row, kRowRttVar, uint32_t(info.tcpi_rttvar));
  put(row, kRowMinRtt, uint32_t(info.tcpi_min_rtt));
  put(row, kRowDataSegsIn, uint32_t(info.tcpi_data_segs_in));
  put(row, kRowDataSegsOut, uint32_t(info.tcpi_data_segs_out));
  put(row, kRowRetrans, uint32_t(info.tcpi_total_retrans));
  put(row, kRowBytesAcked, uint64_t(info.tcpi_bytes_acked));
  put(row, kRowBytesReceived, uint64_t(info.tcpi_bytes_received));
}

void put_row(Rows &rows, const nlmsghdr *header) {
  const auto &found = *static_cast<const inet_diag_msg *>(NLMSG_DATA(header));
  uint8_t *row = rows.next();
  if (row == nullptr) return;
  row[kRowState] = found.idiag_state;
  put(row, kRowLocalPort, ntohs(found.id.idiag_sport));
  put(row, kRowRemotePort, ntohs(found.id.idiag_dport));
  const bool v6 = found.idiag_family == AF_INET6;
  put_addresses(row, v6, found.id.idiag_src, found.id.idiag_dst);
  const uint64_t high = found.id.idiag_cookie[1];
  put(row, kRowCookie, uint64_t(high << 32 | found.id.idiag_cookie[0]));
  put(row, kRowInode, uint32_t(found.idiag_inode));
  put(row, kRowUid, uint32_t(found.idiag_uid));
  int left = int(header->nlmsg_len) - int(NLMSG_LENGTH(sizeof(inet_diag_msg)));
  const auto *attribute = reinterpret_cast<const rtattr *>(&found + 1);
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
    if (attribute->rta_type == INET_DIAG_INFO)
      put_info(row, static_cast<const uint8_t *>(RTA_DATA(attribute)), RTA_PAYLOAD(attribute));
}

// A socket that is wanted, or null.
const inet_diag_msg *wanted(const nlmsghdr *header, const PortSet &ports) {
  if ((header->nlmsg_type != SOCK_DIAG_BY_FAMILY && header->nlmsg_type != TCPDIAG_GETSOCK) ||
      header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg)))
    return nullptr;
  const auto *found = static_cast<const inet_diag_msg *>(NLMSG_DATA(header));
  return ports.has(ntohs(found->id.idiag_sport)) ? found : nullptr;
}

// The program of the kernel's filter: each port is one block of five operations, `>=`, its value,
// `<=`, its value, and a jump to acceptance. A target must lie on the chain of `yes` offsets, and
// four past the end refuses (inet_diag_bc_audit of the kernel).
size_t filter_for(const uint32_t *ports, size_t count, inet_diag_bc_op *out) {
  constexpr size_t kBlock = 5, kOp = sizeof(inet_diag_bc_op);
  for (size_t at = 0; at < count; at++) {
    const auto left = uint16_t((count - at) * kBlock * kOp);
    const bool last = at + 1 == count;
    const auto next = uint16_t(last ? left + kOp : kBlock * kOp);
    inet_diag_bc_op *block = out + at * kBlock;
    const auto port = uint16_t(ports[at]);
    block[0] = {INET_DIAG_BC_S_GE, uint8_t(2 * kOp), next};
    block[1] = {0, 0, port};
    block[2] = {INET_DIAG_BC_S_LE, uint8_t(2 * kOp), uint16_t(next - 2 * kOp)};
    block[3] = {0, 0, port};
    block[4] = {INET_DIAG_BC_JMP, uint8_t(kOp), uint16_t(left - 4 * kOp)};
  }
  return count * kBlock * kOp;
}

// A request in the making: its header, one of two bodies, and the filter behind it.
struct Request {
  alignas(nlmsghdr) uint8_t bytes[1024 + sizeof(inet_diag_bc_op) * 5 * kFilterPortsMax] = {};
  nlmsghdr *header() { return reinterpret_cast<nlmsghdr *>(bytes); }
  template <typename Body>
  Body *begin(uint16_t type) {
    header()->nlmsg_type = type;
    header()->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header()->nlmsg_len = NLMSG_LENGTH(sizeof(Body));
    auto *body = static_cast<Body *>(NLMSG_DATA(header()));
    body->idiag_states = ~0u;
    return body;
  }
  void filter(const uint32_t *ports, size_t count) {
    auto *attribute = reinterpret_cast<rtattr *>(bytes + NLMSG_ALIGN(header()->nlmsg_len));
    auto *program = static_cast<inet_diag_bc_op *>(RTA_DATA(attribute));
    attribute->rta_type = INET_DIAG_REQ_BYTECODE;
    attribute->rta_len = uint16_t(RTA_LENGTH(filter_for(ports, count, program)));
    header()->nlmsg_len = NLMSG_ALIGN(header()->nlmsg_len) + attribute->rta_len;
  }
};

int ask(int fd, int family, const uint32_t *ports, size_t count, bool with_info) {
  Request request;
  const auto ext = uint8_t(with_info ? 1 << (INET_DIAG_INFO - 1) : 0);
  inet_diag_sockid *id;
  if (family == 0) {
    // The older form knows no family: one walk over the kernel's table instead of two.
    auto *body = request.begin<inet_diag_req>(TCPDIAG_GETSOCK);
    body->idiag_ext = ext;
    id = &body->id;
  } else {
    auto *body = request.begin<inet_diag_req_v2>(SOCK_DIAG_BY_FAMILY);
    body->sdiag_family = uint8_t(family == 6 ? AF_INET6 : AF_INET);
    body->sdiag_protocol = IPPROTO_TCP;
    body->idiag_ext = ext;
    id = &body->id;
  }
  // The kernel compares one port before it runs a program, and looks at less of each socket.
  if (count == 1 && ports[0] != 0 && ports[0] < kPorts)
    id->idiag_sport = htons(uint16_t(ports[0]));
  else if (count <= kFilterPortsMax)
    request.filter(ports, count);
  sockaddr_nl kernel;
  std::memset(&kernel, 0, sizeof(kernel));
  kernel.nl_family = AF_NETLINK;
  const auto *to = reinterpret_cast<sockaddr *>(&kernel);
  return sendto(fd, request.bytes, request.header()->nlmsg_len, 0, to, sizeof(kernel)) < 0 ? -errno
                                                                                          : 0;
}

// One received buffer: 1 when the dump has ended, 0 when more follows, or -errno.
int take(const uint8_t *buffer, size_t bytes, const PortSet &ports, Rows &rows) {
  auto left = uint32_t(bytes);
  for (auto *header = reinterpret_cast<const nlmsghdr *>(buffer); NLMSG_OK(header, left);
       header = NLMSG_NEXT(header, left)) {
    if (header->nlmsg_type == NLMSG_DONE) return 1;
    if (header->nlmsg_type == NLMSG_ERROR) {
      if (header->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return -EPROTO;
      const int code = static_cast<const nlmsgerr *>(NLMSG_DATA(header))->error;
      return code == 0 ? 1 : code;
    }
    if (wanted(header, ports) != nullptr) put_row(rows, header);
  }
  return 0;
}

int netlink() { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG); }

ssize_t receive(int fd, uint8_t *buffer, int flags) {
  ssize_t bytes;
  do bytes = recv(fd, buffer, kReceiveBytes, flags);
  while (bytes < 0 && errno == EINTR);
  return bytes < 0 ? -errno : bytes;
}

int dump(int fd, int family, const uint32_t *ports, size_t count, bool with_info, Rows &rows) {
  // The kernel answers at once; a second of silence is a fault, not a reason to stop this thread.
  const timeval patience = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (const int code = ask(fd, family, ports, count, with_info); code != 0) return code;
  const PortSet chosen(ports, count);
  alignas(nlmsghdr) uint8_t buffer[kReceiveBytes];
  for (;;) {
    const ssize_t bytes = receive(fd, buffer, 0);
    if (bytes < 0) return int(bytes);
    if (bytes == 0) return -EPROTO;
    const int state = take(buffer, size_t(bytes), chosen, rows);
    if (state != 0) return state < 0 ? state : 0;
  }
}

}  // namespace

int dump_tcp(int family, const uint32_t *ports, size_t count, bool with_info, uint8_t *into,
             size_t into_bytes) {
  if (count == 0) return 0;
  const int fd = netlink();
  if (fd < 0) return -errno;
  Rows rows = {into, into_bytes / kRowBytes};
  const int code = dump(fd, family, ports, count, with_info, rows);
  close(fd);
  return code < 0 ? code : int(rows.count);
}

int open_tcp_ends() {
  const int fd = netlink();
  if (fd < 0) return -errno;
  sockaddr_nl name;
  std::memset(&name, 0, sizeof(name));
  name.nl_family = AF_NETLINK;
  name.nl_groups = 1u << (SKNLGRP_INET_TCP_DESTROY - 1) | 1u << (SKNLGRP_INET6_TCP_DESTROY - 1);
  // A burst of some thousand ends fits; FORCE passes the ceiling of rmem_max.
  const int bytes = 4 * 1024 * 1024;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  if (bind(fd, reinterpret_cast<sockaddr *>(&name), sizeof(name)) == 0) return fd;
  const int code = errno;
  close(fd);
  return -code;
}

int read_tcp_ends(int fd, const uint32_t *ports, size_t count, uint8_t *into, size_t into_bytes) {
  Rows rows = {into, into_bytes / kRowBytes};
  const PortSet chosen(ports, count);
  alignas(nlmsghdr) uint8_t buffer[kReceiveBytes];
  while (!rows.full()) {
    // Each end comes as a message of its own.
    const ssize_t bytes = receive(fd, buffer, MSG_DONTWAIT);
    if (bytes == -EAGAIN || bytes == 0) break;
    if (bytes < 0) return int(bytes);
    take(buffer, size_t(bytes), chosen, rows);
  }
  return int(rows.count < rows.capacity ? rows.count : rows.capacity);
}

int64_t mark_tcp_ends(int cpu) {
  cpu_set_t before, chosen;
  if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(before), &before) != 0) return 0;
  CPU_ZERO(&chosen);
  CPU_SET(cpu, &chosen);
  if (sched_setaffinity(0, sizeof(chosen), &chosen) != 0) return 0;
  int64_t cookie = 0;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t length = sizeof(cookie);
  if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) != 0) cookie = -errno;
  if (fd >= 0) close(fd);
  sched_setaffinity(0, sizeof(before), &before);
  return cookie;
}

}  // namespace opengslb
