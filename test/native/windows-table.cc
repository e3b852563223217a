// Runs the reader of Windows' TCP table over a made-up one, or over that of the system.
//
// windows-table KIND FAMILY PORT [info]: the result and then each row, in hexadecimal. KIND is
// `figures` (two connections and a listener; collection is off until it is switched on), `refused`
// (statistics for administrators alone), `gone` (connections that end under the reader), `short`
// (a table that claims more rows than it has), `bare` (a system without statistics), `system`.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "../../src/native/windows/tcp_table.h"

namespace {

using namespace opengslb;

std::string kind;
// Of each kind of statistics: whether collection was begun, by the remote port.
bool begun[2][65536];
// How often a table was asked for: the first time it is larger than what was offered.
int asked = 0;

DWORD stored(unsigned port) {
  // What lies above the port is not cleared by Windows.
  return 0xabcd0000u | (port & 0xff) << 8 | port >> 8;
}
unsigned port_of(DWORD word) { return (word & 0xff) << 8 | (word >> 8 & 0xff); }

constexpr unsigned kRemote[] = {40000, 40001, 0};
constexpr DWORD kState[] = {MIB_TCP_STATE_ESTAB, MIB_TCP_STATE_CLOSE_WAIT, MIB_TCP_STATE_LISTEN};

void fill(MIB_TCPROW_OWNER_MODULE &row, int at) {
  row.dwState = kState[at];
  row.dwLocalAddr = 0x0100000a;  // 10.0.0.1
  row.dwRemoteAddr = at == 2 ? 0 : 0x050200c0 + (at << 24);  // 192.0.2.5, .6
}
void fill(MIB_TCP6ROW_OWNER_MODULE &row, int at) {
  row.dwState = kState[at];
  const UCHAR local[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const UCHAR mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 1};
  std::memcpy(row.ucLocalAddr, at == 1 ? mapped : local, 16);
  std::memcpy(row.ucRemoteAddr, at == 1 ? mapped : local, 16);
  row.ucRemoteAddr[15] = UCHAR(7 + at);
}

template <typename Table>
DWORD table_of(void *into, DWORD *size) {
  constexpr DWORD count = 3;
  const DWORD bytes = DWORD(offsetof(Table, table) + count * sizeof(Table::table[0]));
  if (asked++ == 0) {
    *size = 200 * 1024;  // As if many had come since.
    return ERROR_INSUFFICIENT_BUFFER;
  }
  if (*size < bytes) return ERROR_INVALID_PARAMETER;
  std::memset(into, 0xee, *size);
  auto &table = *static_cast<Table *>(into);
  table.dwNumEntries = kind == "short" ? 100'000'000 : count;
  for (DWORD at = 0; at < count; at++) {
    auto &row = table.table[at];
    fill(row, int(at));
    row.dwLocalPort = stored(8080);
    row.dwRemotePort = stored(kRemote[at]);
    row.dwOwningPid = 77;
    row.liCreateTimestamp.QuadPart = 132223104000000000 + LONGLONG(at);
  }
  return NO_ERROR;
}

DWORD WINAPI table(PVOID into, PDWORD size, WINBOOL, ULONG family, TCP_TABLE_CLASS which, ULONG) {
  if (which != TCP_TABLE_OWNER_MODULE_ALL) return ERROR_INVALID_PARAMETER;
  return family == AF_INET6 ? table_of<MIB_TCP6TABLE_OWNER_MODULE>(into, size)
                            : table_of<MIB_TCPTABLE_OWNER_MODULE>(into, size);
}

bool *switch_of(TCP_ESTATS_TYPE type, unsigned remote) {
  return &begun[type == TcpConnectionEstatsPath ? 0 : 1][remote];
}

ULONG get(unsigned remote, TCP_ESTATS_TYPE type, PUCHAR rw, ULONG rw_size, PUCHAR rod,
          ULONG rod_size) {
  if (kind == "refused") return ERROR_ACCESS_DENIED;
  if (kind == "gone") return ERROR_NOT_FOUND;
  const bool is_path = type == TcpConnectionEstatsPath;
  if (rw_size != 1 || rod_size != (is_path ? 160u : 96u)) return ERROR_INVALID_PARAMETER;
  *rw = *switch_of(type, remote);
  if (*rw == 0) return NO_ERROR;
  if (is_path) {
    auto &path = *reinterpret_cast<TCP_ESTATS_PATH_ROD_v0 *>(rod);
    path.SmoothedRtt = 42;
    path.RttVar = 3;
    path.MinRtt = remote == 40001 ? ~0u : 0;
    path.CountRtt = 9;
    path.PktsRetrans = 2;
  } else {
    auto &data = *reinterpret_cast<TCP_ESTATS_DATA_ROD_v0 *>(rod);
    data.DataSegsOut = 31;
    data.DataSegsIn = 17;
    data.ThruBytesAcked = 5'000'000'000;
    data.ThruBytesReceived = 700;
  }
  return NO_ERROR;
}

ULONG WINAPI get4(PMIB_TCPROW row, TCP_ESTATS_TYPE type, PUCHAR rw, ULONG, ULONG rw_size, PUCHAR,
                  ULONG, ULONG, PUCHAR rod, ULONG, ULONG rod_size) {
  return get(port_of(row->dwRemotePort), type, rw, rw_size, rod, rod_size);
}
ULONG WINAPI set4(PMIB_TCPROW row, TCP_ESTATS_TYPE type, PUCHAR rw, ULONG, ULONG, ULONG) {
  *switch_of(type, port_of(row->dwRemotePort)) = *rw != 0;
  return NO_ERROR;
}
ULONG WINAPI get6(PMIB_TCP6ROW row, TCP_ESTATS_TYPE type, PUCHAR rw, ULONG, ULONG rw_size, PUCHAR,
                  ULONG, ULONG, PUCHAR rod, ULONG, ULONG rod_size) {
  return get(port_of(row->dwRemotePort), type, rw, rw_size, rod, rod_size);
}
ULONG WINAPI set6(PMIB_TCP6ROW row, TCP_ESTATS_TYPE type, PUCHAR rw, ULONG, ULONG, ULONG) {
  *switch_of(type, port_of(row->dwRemotePort)) = *rw != 0;
  return NO_ERROR;
}

}  // namespace

int main(int count, char **words) {
  if (count < 4) return 2;
  kind = words[1];
  Iphlpapi made;
  made.table = table;
  if (kind != "bare") made.get4 = get4, made.set4 = set4, made.get6 = get6, made.set6 = set6;
  const Iphlpapi &api = kind == "system" ? iphlpapi() : made;
  const uint32_t port = uint32_t(std::atoi(words[3]));
  std::vector<uint8_t> rows(64 * kRowBytes);
  // Twice: the first reading begins the collection that the second one has figures of.
  for (int reading = 0; reading < 2; reading++) {
    const int result =
        dump_table(api, std::atoi(words[2]), &port, 1, count > 4, rows.data(), rows.size());
    std::printf("%d", result);
    for (int at = 0; at < result && at < 64; at++) {
      std::printf(" ");
      for (size_t octet = 0; octet < kRowBytes; octet++)
        std::printf("%02x", rows[size_t(at) * kRowBytes + octet]);
    }
    std::printf("\n");
  }
  return 0;
}
