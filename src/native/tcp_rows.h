// What every reader of a TCP table writes, whatever its kernel: rows of one layout, both families.
//
// core/health/clients-rows.ts decodes them; the structures of kernels grow with their versions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace opengslb {

// Offsets of a row. Numbers are in machine order; addresses are as on the wire, IPv4 in the first
// four bytes. An IPv4 connection of a dual-stack socket is an IPv4 row.
enum TcpRow : size_t {
  kRowFamily = 0,          // u8: 4 or 6
  kRowState = 1,           // u8: TCP_ESTABLISHED is 1, see tcp_states.h of Linux
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

constexpr size_t kPorts = 65536;

// One bit a port.
struct PortSet {
  uint8_t bits[kPorts / 8] = {};
  PortSet(const uint32_t *ports, size_t count) {
    for (size_t at = 0; at < count; at++)
      if (ports[at] < kPorts) bits[ports[at] >> 3] |= uint8_t(1 << (ports[at] & 7));
  }
  bool has(uint16_t port) const { return (bits[port >> 3] >> (port & 7)) & 1; }
};

struct Rows {
  uint8_t *into;
  size_t capacity;
  size_t count = 0;  // Also those that did not fit.
  bool full() const { return count >= capacity; }
  // Memory of the next row, zeroed; null where it does not fit.
  uint8_t *next() {
    const size_t at = count++;
    if (at >= capacity) return nullptr;
    return static_cast<uint8_t *>(std::memset(into + at * kRowBytes, 0, kRowBytes));
  }
};

template <typename T>
void put(uint8_t *row, size_t at, T value) {
  std::memcpy(row + at, &value, sizeof(value));
}

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Both addresses, as on the wire. A listener on :: has no mapped address, so it stays what it is.
inline void put_addresses(uint8_t *row, bool v6, const void *local, const void *remote) {
  const bool mapped = v6 && std::memcmp(local, kMapped, sizeof(kMapped)) == 0;
  const size_t skip = mapped ? sizeof(kMapped) : 0, length = v6 && !mapped ? 16 : 4;
  row[kRowFamily] = v6 && !mapped ? 6 : 4;
  std::memcpy(row + kRowLocal, static_cast<const uint8_t *>(local) + skip, length);
  std::memcpy(row + kRowRemote, static_cast<const uint8_t *>(remote) + skip, length);
}

}  // namespace opengslb
