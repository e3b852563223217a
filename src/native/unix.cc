#include "unix.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace opengslb {
namespace {

int fail(int fd) {
  const int code = errno;
  close(fd);
  return -code;
}

// The length of the name, or 0 for a path that is empty or too long.
socklen_t to_name(const char *path, sockaddr_un *out) {
  std::memset(out, 0, sizeof(*out));
  out->sun_family = AF_UNIX;
  const size_t length = std::strlen(path);
  if (length == 0 || length >= sizeof(out->sun_path)) return 0;
  std::memcpy(out->sun_path, path, length);
  // An abstract name begins with a zero octet and ends with its last one, not with another zero.
  if (path[0] == '@') out->sun_path[0] = '\0';
  return socklen_t(offsetof(sockaddr_un, sun_path) + length + (path[0] == '@' ? 0 : 1));
}

}  // namespace

int send_datagram(const char *path, const uint8_t *bytes, size_t length) {
  sockaddr_un name;
  const socklen_t name_length = to_name(path, &name);
  if (name_length == 0) return -ENAMETOOLONG;
  // Non-blocking: a manager whose queue is full must not hold up whoever reports to it.
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  const auto *to = reinterpret_cast<const sockaddr *>(&name);
  if (sendto(fd, bytes, length, MSG_NOSIGNAL, to, name_length) < 0) return fail(fd);
  close(fd);
  return 0;
}

int connect_stream(const char *path, int timeout_ms) {
  sockaddr_un name;
  const socklen_t name_length = to_name(path, &name);
  if (name_length == 0) return -ENAMETOOLONG;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const timeval wait = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0) return fail(fd);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0) return fail(fd);
  if (connect(fd, reinterpret_cast<sockaddr *>(&name), name_length) != 0) return fail(fd);
  return fd;
}

int peer_of(int fd, uint32_t *user, int32_t *process) {
  ucred peer = {};
  socklen_t length = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -errno;
  *user = peer.uid;
  *process = peer.pid;
  return 0;
}

int send_descriptors(int fd, const uint8_t *bytes, size_t length, const int32_t *descriptors,
                     size_t count) {
  if (length == 0 || count > kDescriptorsMax) return -EINVAL;
  alignas(cmsghdr) char control[CMSG_SPACE(kDescriptorsMax * sizeof(int))] = {};
  iovec part = {const_cast<uint8_t *>(bytes), length};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
  }
  const ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  if (sent < 0) return -errno;
  return size_t(sent) == length ? 0 : -EMSGSIZE;
}

int receive_descriptors(int fd, uint8_t *into, size_t capacity, int32_t *descriptors,
                        size_t descriptor_capacity, size_t *count) {
  *count = 0;
  alignas(cmsghdr) char control[CMSG_SPACE(kDescriptorsMax * sizeof(int))] = {};
  iovec part = {into, capacity};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  if (received < 0) return -errno;
  bool fits = (message.msg_flags & MSG_CTRUNC) == 0;
  for (auto *header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t held = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t at = 0; at < held; at++) {
      int taken = -1;
      std::memcpy(&taken, CMSG_DATA(header) + at * sizeof(int), sizeof(int));
      if (*count < descriptor_capacity) descriptors[(*count)++] = taken;
      else close(taken), fits = false;
    }
  }
  if (fits) return int(received);
  for (size_t at = 0; at < *count; at++) close(descriptors[at]);
  *count = 0;
  return -EMSGSIZE;
}

int duplicate(int fd) {
  const int made = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return made < 0 ? -errno : made;
}

}  // namespace opengslb
