// Reading the kernel's TCP table through netlink (sock_diag(7)): what `ss -ti` reads.
//
// Rows have a layout of their own, the same for both families, which core/health/clients-rows.ts decodes; the
// kernel's structures grow with its versions.
#pragma once
#include <cstddef>
#include <cstdint>

namespace opengslb {

// Offsets of a row. Numbers are in machine order; addresses are as on the wire, IPv4 in the first
// four bytes. An IPv4 connection of a dual-stack socket is an IPv4 row.
enum TcpRow : size_t {
  kRowFamily = 0,          // u8: 4 or 6
  kRowState = 1,           // u8: TCP_ESTABLISHED is 1, see tcp_states.h of the kernel
  kRowLocalPort = 2,       // u16
  kRowRemotePort = 4,      // u16
  kRowHasInfo = 6,         // u16: 1 when the fields from kRowRtt to kRowBytesReceived were given
  kRowLocal = 8,           // 16 bytes
  kRowRemote = 24,         // 16 bytes
  kRowRtt = 40,            // u32, microseconds, smoothed
  kRowRttVar = 44,         // u32, microseconds
  kRowMinRtt = 48,         // u32, microseconds; 2^32 - 1 before the first sample
  kRowDataSegsIn = 52,     // u32
  kRowDataSegsOut = 56,    // u32
  kRowRetrans = 60,        // u32, segments sent again in all
  kRowBytesAcked = 64,     // u64
  kRowBytesReceived = 72,  // u64
  kRowCookie = 80,         // u64, one socket for its whole life
  kRowInode = 88,          // u32, 0 where no process holds it
  kRowUid = 92,            // u32
  kRowBytes = 96,
};

// Writes the sockets of one family (4 or 6) whose local port is one of `ports` into `into`, as many
// as fit, and returns how many there are, or -errno. Listeners are among them. `with_info` asks for
// TCP_INFO as well, for which the kernel takes the lock of each socket.
int dump_tcp(int family, const uint32_t *ports, size_t port_count, bool with_info, uint8_t *into,
             size_t into_bytes);

// A descriptor that is told of each TCP socket that ends, or -errno. The kernel lets anybody join
// these groups (NL_CFG_F_NONROOT_RECV), unless it is older than 4.2 or hardened: then -EPERM.
int open_tcp_ends();

// Writes the sockets that ended since the last call, chosen as above, and returns how many rows were
// written. It stops when `into` is full: call again. -ENOBUFS: the kernel dropped some.
int read_tcp_ends(int fd, const uint32_t *ports, size_t port_count, uint8_t *into,
                  size_t into_bytes);

}  // namespace opengslb
