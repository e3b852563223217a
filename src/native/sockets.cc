#include "sockets.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace opengslb {
namespace {

socklen_t to_sockaddr(const Endpoint &endpoint, sockaddr_storage *out) {
  std::memset(out, 0, sizeof(*out));
  if (endpoint.v6) {
    auto *in6 = reinterpret_cast<sockaddr_in6 *>(out);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(endpoint.port);
    std::memcpy(&in6->sin6_addr, endpoint.address, 16);
    return sizeof(*in6);
  }
  auto *in4 = reinterpret_cast<sockaddr_in *>(out);
  in4->sin_family = AF_INET;
  in4->sin_port = htons(endpoint.port);
  std::memcpy(&in4->sin_addr, endpoint.address, 4);
  return sizeof(*in4);
}

bool is_wildcard(const Endpoint &endpoint) {
  const int length = endpoint.v6 ? 16 : 4;
  for (int at = 0; at < length; at++)
    if (endpoint.address[at] != 0) return false;
  return true;
}

int set_flag(int fd, int level, int name) {
  const int on = 1;
  return setsockopt(fd, level, name, &on, sizeof(on));
}

// FORCE needs CAP_NET_ADMIN and passes rmem_max; without it the kernel clamps, which is no error.
void set_buffer(int fd, int forced, int plain, int bytes) {
  if (bytes <= 0) return;
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) == 0) return;
  setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

int fail(int fd) {
  const int code = errno;
  close(fd);
  return -code;
}

int open_bound(const Endpoint &endpoint, bool exclusive) {
  const int family = endpoint.v6 ? AF_INET6 : AF_INET;
  const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (!exclusive && set_flag(fd, SOL_SOCKET, SO_REUSEPORT) != 0) return fail(fd);
  // The IPv4 wildcard has a socket of its own, so an IPv6 one must not take its packets.
  if (endpoint.v6 && set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0) return fail(fd);
  sockaddr_storage name;
  const socklen_t length = to_sockaddr(endpoint, &name);
  if (bind(fd, reinterpret_cast<sockaddr *>(&name), length) != 0) return fail(fd);
  if (exclusive && set_flag(fd, SOL_SOCKET, SO_REUSEPORT) != 0) return fail(fd);
  // An answer is never worth path-MTU state that a spoofed ICMP message could plant (RFC 8085). A
  // kernel without the option keeps its usual behaviour.
  const int omit = endpoint.v6 ? IPV6_PMTUDISC_OMIT : IP_PMTUDISC_OMIT;
  const int level = endpoint.v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  setsockopt(fd, level, endpoint.v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &omit, sizeof(omit));
  return fd;
}

}  // namespace

int open_receiver(const Endpoint &endpoint, int buffer_bytes, bool exclusive) {
  const int fd = open_bound(endpoint, exclusive);
  if (fd < 0) return fd;
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, buffer_bytes);
  // Where no second socket can be had, this one sends too.
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, buffer_bytes);
  if (is_wildcard(endpoint)) {
    const int done = endpoint.v6 ? set_flag(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO)
                                 : set_flag(fd, IPPROTO_IP, IP_PKTINFO);
    if (done != 0) return fail(fd);
  }
  return fd;
}

int open_sender(const Endpoint &endpoint, int buffer_bytes, bool exclusive) {
  const int fd = open_bound(endpoint, exclusive);
  if (fd < 0) return fd;
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, buffer_bytes);
  // Port 9 (discard) of the address itself, or of loopback: nobody asks from there.
  Endpoint dummy = endpoint;
  if (is_wildcard(endpoint)) {
    if (endpoint.v6) dummy.address[15] = 1;
    else dummy.address[0] = 127, dummy.address[3] = 1;
  }
  dummy.port = 9;
  sockaddr_storage name;
  const socklen_t length = to_sockaddr(dummy, &name);
  if (connect(fd, reinterpret_cast<sockaddr *>(&name), length) != 0) return fail(fd);
  return fd;
}

int open_listener(const Endpoint &endpoint, int backlog, bool both_families) {
  const int family = endpoint.v6 ? AF_INET6 : AF_INET;
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  // Connections of a process before this one may still be closing.
  if (set_flag(fd, SOL_SOCKET, SO_REUSEADDR) != 0) return fail(fd);
  const int only_v6 = both_families ? 0 : 1;
  if (endpoint.v6 &&
      setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6)) != 0)
    return fail(fd);
  sockaddr_storage name;
  const socklen_t length = to_sockaddr(endpoint, &name);
  if (bind(fd, reinterpret_cast<sockaddr *>(&name), length) != 0) return fail(fd);
  return listen(fd, backlog) == 0 ? fd : fail(fd);
}

int share_evenly(int fd, int count) {
  sock_filter code[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, uint32_t(SKF_AD_OFF + SKF_AD_RANDOM)},
      {BPF_ALU | BPF_MOD | BPF_K, 0, 0, uint32_t(count)},
      {BPF_RET | BPF_A, 0, 0, 0},
  };
  const sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
  if (count < 1) return -EINVAL;
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) != 0)
    return -errno;
  return 0;
}

int receive_buffer(int fd) {
  int bytes = 0;
  socklen_t length = sizeof(bytes);
  return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &length) == 0 ? bytes : -errno;
}

int64_t dropped(int fd) {
  uint32_t info[SK_MEMINFO_VARS] = {};
  socklen_t length = sizeof(info);
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &length) != 0) return -errno;
  return length > SK_MEMINFO_DROPS * sizeof(uint32_t) ? info[SK_MEMINFO_DROPS] : -EINVAL;
}

int bound_port(int fd) {
  sockaddr_storage name;
  socklen_t length = sizeof(name);
  if (getsockname(fd, reinterpret_cast<sockaddr *>(&name), &length) != 0) return -errno;
  if (name.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6 *>(&name)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in *>(&name)->sin_port);
}

}  // namespace opengslb
