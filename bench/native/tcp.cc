// Load over TCP: a few connections, each with its share of the window on the way at once.
#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "window.h"

namespace bench {
namespace {

constexpr int kEvents = 64;

struct Connection {
  int fd = -1;
  uint8_t in[65536 + 2];
  size_t held = 0;
  std::vector<uint8_t> out;
  uint32_t outstanding = 0;
};

class Tcp {
 public:
  explicit Tcp(const Plan &plan, Window &window)
      : plan_(plan), window_(window), share_(plan.window / plan.connections) {}

  bool open() {
    poll_ = epoll_create1(0);
    for (uint32_t at = 0; at < plan_.connections; at++) {
      connections_.push_back(std::make_unique<Connection>());
      if (!connect_one(*connections_.back(), at)) return false;
    }
    return share_ > 0;
  }

  bool send_closed(uint64_t now) {
    bool moved = false;
    for (auto &connection : connections_) {
      while (connection->outstanding < share_ && window_.free() > 0) put(*connection, now);
      moved = flush(*connection) || moved;
    }
    return moved;
  }

  bool send_due(Phases &phases, uint64_t now) {
    bool moved = false;
    for (uint64_t due_at = 0; phases.due(now, &due_at);) {
      if (window_.free() == 0) {
        window_.skip();
        continue;
      }
      Connection &connection = *connections_[turn_++ % connections_.size()];
      put(connection, due_at);
      moved = flush(connection) || moved;
    }
    return moved;
  }

  // False when the server closed a connection.
  bool receive(bool *moved) {
    epoll_event ready[kEvents];
    const int count = epoll_wait(poll_, ready, kEvents, 0);
    *moved = count > 0;
    for (int at = 0; at < count; at++)
      if (!read_one(*connections_[ready[at].data.u32])) return false;
    return true;
  }

 private:
  bool connect_one(Connection &connection, uint32_t at) {
    sockaddr_in client{}, server{};
    client.sin_family = server.sin_family = AF_INET;
    client.sin_addr.s_addr = htonl(0x7f400001u + (at << 8));
    server.sin_port = htons(uint16_t(plan_.port));
    if (inet_pton(AF_INET, plan_.address.c_str(), &server.sin_addr) != 1) return false;
    const int fd = connection.fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (bind(fd, reinterpret_cast<sockaddr *>(&client), sizeof(client)) != 0 ||
        connect(fd, reinterpret_cast<sockaddr *>(&server), sizeof(server)) != 0)
      return false;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    epoll_event event{EPOLLIN, {}};
    event.data.u32 = at;
    return epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) == 0;
  }

  void put(Connection &connection, uint64_t at_ns) {
    const Kind *kind = window_.draw();
    const uint8_t *packet = window_.ask(kind, at_ns);
    const uint32_t length = kind->length();
    connection.out.push_back(uint8_t(length >> 8));
    connection.out.push_back(uint8_t(length));
    connection.out.insert(connection.out.end(), packet, packet + length);
    connection.outstanding++;
  }

  bool flush(Connection &connection) {
    if (connection.out.empty()) return false;
    const ssize_t sent =
        send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent > 0) connection.out.erase(connection.out.begin(), connection.out.begin() + sent);
    return sent > 0;
  }

  bool read_one(Connection &connection) {
    const ssize_t got = recv(connection.fd, connection.in + connection.held,
                             sizeof(connection.in) - connection.held, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    connection.held += size_t(got);
    const uint64_t now = now_ns();
    size_t at = 0;
    while (connection.held - at >= 2) {
      const size_t length = size_t(connection.in[at] << 8 | connection.in[at + 1]);
      if (connection.held - at - 2 < length) break;
      if (window_.take(connection.in + at + 2, uint32_t(length), now)) connection.outstanding--;
      at += 2 + length;
    }
    std::memmove(connection.in, connection.in + at, connection.held - at);
    connection.held -= at;
    return true;
  }

  const Plan &plan_;
  Window &window_;
  uint32_t share_, turn_ = 0;
  int poll_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace

int run_tcp(const Plan &plan, Window &window, Phases &phases) {
  Tcp tcp(plan, window);
  if (!tcp.open()) {
    std::perror("generator");
    return 1;
  }
  for (uint64_t now = now_ns(); phases.turn(now); now = now_ns()) {
    const bool sent = phases.asking() &&
        (plan.rate > 0 ? tcp.send_due(phases, now) : tcp.send_closed(now));
    bool took = false;
    if (!tcp.receive(&took)) {
      std::fprintf(stderr, "generator: the server closed a connection\n");
      return 1;
    }
    phases.turned(took || sent);
  }
  return 0;
}

}  // namespace bench
