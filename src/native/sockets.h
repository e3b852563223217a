// Opening UDP sockets for the batch front. Every function returns a descriptor, or -errno.
#pragma once
#include <cstdint>

namespace opengslb {

struct Endpoint {
  uint8_t address[16];  // Network order; the first 4 bytes for IPv4.
  bool v6;
  uint16_t port;
};

// Receives. SO_REUSEPORT, non-blocking, close-on-exec, SO_RXQ_OVFL; destination addresses are
// reported (PKTINFO) when the endpoint is a wildcard.
int open_receiver(const Endpoint &endpoint, int receive_buffer_bytes);

// Sends from the same endpoint and never receives: it is connected to a dummy peer, so that no
// query is steered to it. A polled socket that also sends loses 3-10 % (each freed packet wakes the
// poll queue). Not for wildcards: connect() would fix the source address.
int open_sender(const Endpoint &endpoint, int send_buffer_bytes);

// The port a socket is bound to, or -errno.
int bound_port(int fd);

}  // namespace opengslb
