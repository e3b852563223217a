// Opening UDP sockets for the batch front. Every function returns a descriptor, or -errno.
#pragma once
#include <cstdint>

namespace opengslb {

struct Endpoint {
  uint8_t address[16];  // Network order; the first 4 bytes for IPv4.
  bool v6;
  uint16_t port;
};

// `exclusive` fails with EADDRINUSE where any socket holds the endpoint; the socket shares it from
// then on. Without it the endpoint is shared with those of this user that share it: two processes
// would each get a part of the queries and neither would know.

// Receives. SO_REUSEPORT, non-blocking, close-on-exec; destination addresses are reported
// (PKTINFO) when the endpoint is a wildcard.
int open_receiver(const Endpoint &endpoint, int receive_buffer_bytes, bool exclusive);

// Sends from the same endpoint and never receives: it is connected to a dummy peer, so that no
// query is steered to it. A polled socket that also sends loses 3-10 % (each freed packet wakes the
// poll queue). On a wildcard connect() fixes the source address, and PKTINFO overrides it for each
// reply.
int open_sender(const Endpoint &endpoint, int send_buffer_bytes, bool exclusive);

// Listens for TCP connections. Non-blocking, close-on-exec; `both_families` lets the IPv6 wildcard
// take IPv4 too.
int open_listener(const Endpoint &endpoint, int backlog, bool both_families);

// Queries of this endpoint are dealt out evenly to the first `count` sockets that share it, in the
// order they were bound, by chance and not by the client's port: a resolver that asks from one port
// is served by every thread. 0 or -errno.
int share_evenly(int fd, int count);

// Datagrams the kernel dropped on it since it was opened, mostly for want of room in its queue: 32
// bits that wrap, or -errno. The count that SO_RXQ_OVFL hands over with each datagram, read when it
// is wanted: with that option every query costs more from the first loss on.
int64_t dropped(int fd);

// The port a socket is bound to, or -errno.
int bound_port(int fd);

// Bytes its receive buffer may hold, counted as the kernel counts, or -errno.
int receive_buffer(int fd);

}  // namespace opengslb
