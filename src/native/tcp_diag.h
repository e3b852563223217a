// Reading the kernel's TCP table through netlink (sock_diag(7)): what `ss -ti` reads.
#pragma once
#include "tcp_rows.h"

namespace opengslb {

// Writes the sockets of one family (4 or 6), or of both (0), whose local port is one of `ports` into
// `into`, as many as fit, and returns how many there are, or -errno. Listeners are among them.
// `with_info` asks for TCP_INFO as well, for which the kernel takes the lock of each socket.
int dump_tcp(int family, const uint32_t *ports, size_t port_count, bool with_info, uint8_t *into,
             size_t into_bytes);

// A descriptor that is told of each TCP socket that ends, or -errno. The kernel lets anybody join
// these groups (NL_CFG_F_NONROOT_RECV), unless it is older than 4.2 or hardened: then -EPERM.
int open_tcp_ends();

// Writes the sockets that ended since the last call, chosen as above, and returns how many rows were
// written. It stops when `into` is full: call again. -ENOBUFS: the kernel dropped some.
int read_tcp_ends(int fd, const uint32_t *ports, size_t port_count, uint8_t *into,
                  size_t into_bytes);

// Makes a TCP socket on a CPU and ends it there: its cookie, which read_tcp_ends shows among the
// sockets of port 0 after all that ended on that CPU before. 0 where this thread may not run,
// -errno where no socket could be made now.
int64_t mark_tcp_ends(int cpu);

}  // namespace opengslb
