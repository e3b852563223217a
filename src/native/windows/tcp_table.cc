#include "tcp_table.h"

#include <memory>
#include <new>

#include "estats.h"

namespace opengslb {
namespace {

// Half a million rows of the wider kind; more are an error, not memory.
constexpr DWORD kTableBytesMax = 96 * 1024 * 1024;
// The table grows between being measured and being read; it settles in a few rounds.
constexpr int kRoundsMax = 8;

// Milliseconds as microseconds. A time below one is told as zero, and is half of one at a guess.
uint32_t micros(ULONG milliseconds) {
  if (milliseconds == 0) return 500;
  return milliseconds > 4'000'000 ? 4'000'000'000u : uint32_t(milliseconds) * 1000;
}

// The numbers of Linux for the states of RFC 9293 section 3.3.2, which Windows counts otherwise.
uint8_t state_of(DWORD state) {
  constexpr uint8_t kStates[] = {
      0,
      7,   // MIB_TCP_STATE_CLOSED
      10,  // MIB_TCP_STATE_LISTEN
      2,   // MIB_TCP_STATE_SYN_SENT
      3,   // MIB_TCP_STATE_SYN_RCVD
      1,   // MIB_TCP_STATE_ESTAB
      4,   // MIB_TCP_STATE_FIN_WAIT1
      5,   // MIB_TCP_STATE_FIN_WAIT2
      8,   // MIB_TCP_STATE_CLOSE_WAIT
      11,  // MIB_TCP_STATE_CLOSING
      9,   // MIB_TCP_STATE_LAST_ACK
      6,   // MIB_TCP_STATE_TIME_WAIT
      7,   // MIB_TCP_STATE_DELETE_TCB
  };
  return state < sizeof(kStates) ? kStates[state] : 7;
}

// Only the low sixteen bits hold the port, in the order of the wire; what is above is not set.
uint16_t port_of(DWORD stored) { return uint16_t((stored & 0xff) << 8 | (stored >> 8 & 0xff)); }

struct Of4 {
  static constexpr ULONG kFamily = AF_INET;
  static constexpr bool kV6 = false;
  using Table = MIB_TCPTABLE_OWNER_MODULE;
  using Entry = MIB_TCPROW_OWNER_MODULE;
  static const void *local(const Entry &entry) { return &entry.dwLocalAddr; }
  static const void *remote(const Entry &entry) { return &entry.dwRemoteAddr; }
  static MIB_TCPROW name(const Entry &entry) {
    MIB_TCPROW row;
    std::memset(&row, 0, sizeof(row));
    row.dwState = entry.dwState;
    row.dwLocalAddr = entry.dwLocalAddr;
    row.dwLocalPort = entry.dwLocalPort;
    row.dwRemoteAddr = entry.dwRemoteAddr;
    row.dwRemotePort = entry.dwRemotePort;
    return row;
  }
};

struct Of6 {
  static constexpr ULONG kFamily = AF_INET6;
  static constexpr bool kV6 = true;
  using Table = MIB_TCP6TABLE_OWNER_MODULE;
  using Entry = MIB_TCP6ROW_OWNER_MODULE;
  static const void *local(const Entry &entry) { return entry.ucLocalAddr; }
  static const void *remote(const Entry &entry) { return entry.ucRemoteAddr; }
  static MIB_TCP6ROW name(const Entry &entry) {
    MIB_TCP6ROW row;
    std::memset(&row, 0, sizeof(row));
    row.State = MIB_TCP_STATE(entry.dwState);
    std::memcpy(&row.LocalAddr, entry.ucLocalAddr, sizeof(entry.ucLocalAddr));
    row.dwLocalScopeId = entry.dwLocalScopeId;
    row.dwLocalPort = entry.dwLocalPort;
    std::memcpy(&row.RemoteAddr, entry.ucRemoteAddr, sizeof(entry.ucRemoteAddr));
    row.dwRemoteScopeId = entry.dwRemoteScopeId;
    row.dwRemotePort = entry.dwRemotePort;
    return row;
  }
};

// Windows gives a connection no number of its own. Both ends and the moment it began name it; the
// hash (FNV-1a) keeps 52 bits, which a number of JavaScript holds, and is never zero.
uint64_t cookie_of(const uint8_t *row, LARGE_INTEGER began) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto take = [&hash](const uint8_t *from, size_t length) {
    for (size_t at = 0; at < length; at++) hash = (hash ^ from[at]) * 0x100000001b3;
  };
  take(row + kRowLocalPort, 4);
  take(row + kRowLocal, 32);
  take(reinterpret_cast<const uint8_t *>(&began.QuadPart), sizeof(began.QuadPart));
  return (hash >> 12) | 1;
}

void put_figures(uint8_t *row, const Estats &told) {
  put(row, kRowHasInfo, uint16_t(1));
  put(row, kRowRtt, micros(told.path.SmoothedRtt));
  put(row, kRowRttVar, micros(told.path.RttVar));
  put(row, kRowMinRtt, told.path.MinRtt == ~0u ? ~0u : micros(told.path.MinRtt));
  put(row, kRowDataSegsIn, uint32_t(told.data.DataSegsIn));
  put(row, kRowDataSegsOut, uint32_t(told.data.DataSegsOut));
  put(row, kRowRetrans, uint32_t(told.path.PktsRetrans));
  put(row, kRowBytesAcked, uint64_t(told.data.ThruBytesAcked));
  put(row, kRowBytesReceived, uint64_t(told.data.ThruBytesReceived));
}

// What was asked for statistics, and how many of them were refused.
struct Asked {
  size_t all = 0, refused = 0;
};

template <typename Family>
void put_entry(const Iphlpapi &api, const typename Family::Entry &entry, bool with_info, Rows &rows,
               Asked *asked) {
  uint8_t *row = rows.next();
  if (row == nullptr) return;
  put_addresses(row, Family::kV6, Family::local(entry), Family::remote(entry));
  row[kRowState] = state_of(entry.dwState);
  put(row, kRowLocalPort, port_of(entry.dwLocalPort));
  put(row, kRowRemotePort, port_of(entry.dwRemotePort));
  put(row, kRowCookie, cookie_of(row, entry.liCreateTimestamp));
  put(row, kRowInode, uint32_t(entry.dwOwningPid));
  // Established and half closed: others have no statistics.
  const bool open = entry.dwState >= MIB_TCP_STATE_ESTAB && entry.dwState < MIB_TCP_STATE_TIME_WAIT;
  // Once one was refused the others would be as well.
  if (!with_info || !open || asked->refused > 0) return;
  auto name = Family::name(entry);
  Estats told;
  asked->all++;
  switch (read_estats(api, name, &told)) {
    case Told::figures:
      return put_figures(row, told);
    case Told::refused:
      asked->refused++;
      return;
    case Told::nothing_yet:
      return;
  }
}

struct Memory {
  std::unique_ptr<uint8_t[]> octets;
  DWORD size = 0;
};

// The whole table of a family, or the code of a fault.
DWORD read_table(const Iphlpapi &api, ULONG family, Memory *memory) {
  DWORD size = 64 * 1024;
  for (int round = 0; round < kRoundsMax; round++) {
    if (size > kTableBytesMax) return ERROR_NOT_ENOUGH_MEMORY;
    memory->octets.reset(new (std::nothrow) uint8_t[size]);
    if (memory->octets == nullptr) return ERROR_NOT_ENOUGH_MEMORY;
    memory->size = size;
    const DWORD code = api.table(memory->octets.get(), &size, FALSE, family,
                                 TCP_TABLE_OWNER_MODULE_ALL, 0);
    if (code != ERROR_INSUFFICIENT_BUFFER) return code;
    size += size / 4;
  }
  return ERROR_INSUFFICIENT_BUFFER;
}

template <typename Family>
int dump(const Iphlpapi &api, const PortSet &ports, bool with_info, Rows &rows) {
  Memory memory;
  const DWORD code = read_table(api, Family::kFamily, &memory);
  if (code != NO_ERROR) return -int(code);
  const auto &table = *reinterpret_cast<const typename Family::Table *>(memory.octets.get());
  const size_t room = (memory.size - offsetof(typename Family::Table, table)) /
                      sizeof(typename Family::Entry);
  Asked asked;
  for (size_t at = 0; at < table.dwNumEntries && at < room; at++)
    if (const auto &entry = table.table[at]; ports.has(port_of(entry.dwLocalPort)))
      put_entry<Family>(api, entry, with_info, rows, &asked);
  return asked.refused > 0 ? -ERROR_ACCESS_DENIED : int(rows.count);
}

}  // namespace

int dump_table(const Iphlpapi &api, int family, const uint32_t *ports, size_t port_count,
               bool with_info, uint8_t *into, size_t into_bytes) {
  if (!api.has_table() || (with_info && !api.has_estats())) return -ERROR_PROC_NOT_FOUND;
  if (port_count == 0) return 0;
  Rows rows = {into, into_bytes / kRowBytes};
  const PortSet chosen(ports, port_count);
  return family == 6 ? dump<Of6>(api, chosen, with_info, rows)
                     : dump<Of4>(api, chosen, with_info, rows);
}

}  // namespace opengslb
