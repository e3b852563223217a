// The limit of the socket API: what a server costs that does nothing but receive and send.
//
// Turns each query into an answer of the size asked for: QR set, a fixed record appended. Over UDP
// one blocking recvmmsg and one sendmmsg a batch of 64; over TCP one epoll loop. It parses nothing.
//
// usage: echo ADDRESS PORT APPENDED-BYTES udp|tcp
#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int kBatch = 64;
constexpr int kRoom = 4096;
constexpr int kReceiveBuffer = 4 << 20;
constexpr size_t kAppendMax = 2048;

uint8_t appended[kAppendMax];
size_t appended_length;

void fail(const char *what) {
  std::perror(what);
  std::exit(1);
}

// One A record whose name is a pointer to the question; what is longer is padded.
void prepare(size_t length) {
  static const uint8_t record[] = {0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1};
  std::memset(appended, 0, sizeof(appended));
  std::memcpy(appended, record, sizeof(record));
  appended_length = length < kAppendMax ? length : kAppendMax;
}

uint32_t answer(uint8_t *message, uint32_t length) {
  if (length < 12) return 0;
  message[2] |= 0x80;
  message[7] = appended_length > 0 ? 1 : 0;
  std::memcpy(message + length, appended, appended_length);
  return length + uint32_t(appended_length);
}

int open_socket(int type, const sockaddr_in &address) {
  const int fd = socket(AF_INET, type, 0);
  const int on = 1, room = kReceiveBuffer;
  if (fd < 0) fail("socket");
  setsockopt(fd, SOL_SOCKET, type == SOCK_STREAM ? SO_REUSEADDR : SO_REUSEPORT, &on, sizeof(on));
  if (type == SOCK_DGRAM && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
  if (bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0) fail("bind");
  return fd;
}

void serve_udp(int fd) {
  static uint8_t room[kBatch][kRoom + kAppendMax];
  static mmsghdr messages[kBatch];
  static iovec parts[kBatch];
  static sockaddr_in peers[kBatch];
  for (int at = 0; at < kBatch; at++) {
    messages[at].msg_hdr.msg_iov = &parts[at];
    messages[at].msg_hdr.msg_iovlen = 1;
    messages[at].msg_hdr.msg_name = &peers[at];
  }
  for (;;) {
    for (int at = 0; at < kBatch; at++) {
      parts[at] = {room[at], kRoom};
      messages[at].msg_hdr.msg_namelen = sizeof(sockaddr_in);
    }
    const int count = recvmmsg(fd, messages, kBatch, MSG_WAITFORONE, nullptr);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("recvmmsg");
    for (int at = 0; at < count; at++) parts[at].iov_len = answer(room[at], messages[at].msg_len);
    for (int done = 0; done < count;) {
      const int sent = sendmmsg(fd, messages + done, unsigned(count - done), 0);
      // One that cannot be sent is given up.
      done += sent > 0 ? sent : 1;
    }
  }
}

struct Connection {
  uint8_t in[65536 + 2];
  size_t held = 0;
};

void write_all(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return;
    if (sent <= 0) continue;
    bytes += sent;
    length -= size_t(sent);
  }
}

// Answers every whole query that one read brought, by one write.
bool serve_connection(int fd, Connection &connection) {
  static uint8_t out[(65536 / 14 + 1) * kAppendMax];
  const ssize_t got =
      recv(fd, connection.in + connection.held, sizeof(connection.in) - connection.held, 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  connection.held += size_t(got);
  size_t at = 0, written = 0;
  while (connection.held - at >= 2) {
    const size_t length = size_t(connection.in[at] << 8 | connection.in[at + 1]);
    if (connection.held - at - 2 < length || length < 12) break;
    uint8_t *reply = out + written;
    std::memcpy(reply + 2, connection.in + at + 2, length);
    const uint32_t size = answer(reply + 2, uint32_t(length));
    reply[0] = uint8_t(size >> 8);
    reply[1] = uint8_t(size);
    written += 2 + size;
    at += 2 + length;
  }
  std::memmove(connection.in, connection.in + at, connection.held - at);
  connection.held -= at;
  write_all(fd, out, written);
  return true;
}

void serve_tcp(int listener) {
  if (listen(listener, 1024) != 0) fail("listen");
  const int poll = epoll_create1(0);
  epoll_event event{EPOLLIN, {}};
  event.data.fd = listener;
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  std::vector<Connection *> connections(65536, nullptr);
  epoll_event ready[kBatch];
  for (;;) {
    const int count = epoll_wait(poll, ready, kBatch, -1);
    for (int at = 0; at < count; at++) {
      const int fd = ready[at].data.fd;
      if (fd == listener) {
        const int made = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        const int on = 1;
        if (made < 0) continue;
        setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        connections[size_t(made)] = new Connection();
        event.data.fd = made;
        epoll_ctl(poll, EPOLL_CTL_ADD, made, &event);
      } else if (!serve_connection(fd, *connections[size_t(fd)])) {
        delete connections[size_t(fd)];
        close(fd);
      }
    }
  }
}

}  // namespace

int main(int count, char **words) {
  if (count != 5) {
    std::fprintf(stderr, "usage: echo ADDRESS PORT APPENDED-BYTES udp|tcp\n");
    return 2;
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(uint16_t(std::atoi(words[2])));
  if (inet_pton(AF_INET, words[1], &address.sin_addr) != 1) return 2;
  prepare(size_t(std::atoi(words[3])));
  const bool tcp = std::strcmp(words[4], "tcp") == 0;
  const int fd = open_socket(tcp ? SOCK_STREAM : SOCK_DGRAM, address);
  if (tcp) serve_tcp(fd);
  serve_udp(fd);
}
