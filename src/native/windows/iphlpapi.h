// The functions of iphlpapi.dll that are called, found when the addon is opened.
//
// They are asked for by name, so that the addon loads where one of them is missing and says so, and
// so that a test can stand in for Windows. The layouts below are those of Microsoft's documentation
// (tcpestats.h, tcpmib.h); a header that differs does not compile.
#pragma once
// The order of these headers is what Windows asks for.
// clang-format off
#include <winsock2.h>
#include <ws2ipdef.h>
#include <windows.h>
#include <iphlpapi.h>
// clang-format on

#include <cstddef>

namespace opengslb {

struct Iphlpapi {
  decltype(&::GetExtendedTcpTable) table = nullptr;
  decltype(&::GetPerTcpConnectionEStats) get4 = nullptr;
  decltype(&::SetPerTcpConnectionEStats) set4 = nullptr;
  decltype(&::GetPerTcp6ConnectionEStats) get6 = nullptr;
  decltype(&::SetPerTcp6ConnectionEStats) set6 = nullptr;

  bool has_table() const { return table != nullptr; }
  bool has_estats() const {
    return get4 != nullptr && set4 != nullptr && get6 != nullptr && set6 != nullptr;
  }
};

// What this system has, looked up once; functions it lacks stay null.
const Iphlpapi &iphlpapi();

// TCP_ESTATS_PATH_ROD_v0: forty counters of 32 bits, the smoothed round trip the 28th.
static_assert(sizeof(TCP_ESTATS_PATH_ROD_v0) == 160);
static_assert(offsetof(TCP_ESTATS_PATH_ROD_v0, PktsRetrans) == 20);
static_assert(offsetof(TCP_ESTATS_PATH_ROD_v0, SampleRtt) == 104);
static_assert(offsetof(TCP_ESTATS_PATH_ROD_v0, SmoothedRtt) == 108);
static_assert(offsetof(TCP_ESTATS_PATH_ROD_v0, RttVar) == 112);
static_assert(offsetof(TCP_ESTATS_PATH_ROD_v0, MaxRtt) == 116);
static_assert(offsetof(TCP_ESTATS_PATH_ROD_v0, MinRtt) == 120);
static_assert(offsetof(TCP_ESTATS_PATH_ROD_v0, SumRtt) == 124);
static_assert(offsetof(TCP_ESTATS_PATH_ROD_v0, CountRtt) == 128);
static_assert(offsetof(TCP_ESTATS_PATH_ROD_v0, SpuriousRtoDetections) == 156);
static_assert(sizeof(TCP_ESTATS_PATH_RW_v0) == 1);

// TCP_ESTATS_DATA_ROD_v0: the last three of 64 and 32 bits alternate, with gaps between.
static_assert(sizeof(TCP_ESTATS_DATA_ROD_v0) == 96);
static_assert(offsetof(TCP_ESTATS_DATA_ROD_v0, DataSegsOut) == 8);
static_assert(offsetof(TCP_ESTATS_DATA_ROD_v0, DataSegsIn) == 24);
static_assert(offsetof(TCP_ESTATS_DATA_ROD_v0, ThruBytesAcked) == 72);
static_assert(offsetof(TCP_ESTATS_DATA_ROD_v0, ThruBytesReceived) == 88);
static_assert(sizeof(TCP_ESTATS_DATA_RW_v0) == 1);

// Rows that name a connection to the four functions above.
static_assert(sizeof(MIB_TCPROW) == 20);
static_assert(offsetof(MIB_TCPROW, dwLocalPort) == 8);
static_assert(offsetof(MIB_TCPROW, dwRemotePort) == 16);
static_assert(sizeof(MIB_TCP6ROW) == 52);
static_assert(offsetof(MIB_TCP6ROW, LocalAddr) == 4);
static_assert(offsetof(MIB_TCP6ROW, dwLocalPort) == 24);
static_assert(offsetof(MIB_TCP6ROW, RemoteAddr) == 28);
static_assert(offsetof(MIB_TCP6ROW, dwRemotePort) == 48);

// Rows of the table: the state of an IPv6 connection comes last there, not first.
static_assert(sizeof(MIB_TCPROW_OWNER_MODULE) == 160);
static_assert(offsetof(MIB_TCPROW_OWNER_MODULE, liCreateTimestamp) == 24);
static_assert(sizeof(MIB_TCP6ROW_OWNER_MODULE) == 192);
static_assert(offsetof(MIB_TCP6ROW_OWNER_MODULE, dwLocalPort) == 20);
static_assert(offsetof(MIB_TCP6ROW_OWNER_MODULE, ucRemoteAddr) == 24);
static_assert(offsetof(MIB_TCP6ROW_OWNER_MODULE, dwState) == 48);
static_assert(offsetof(MIB_TCP6ROW_OWNER_MODULE, liCreateTimestamp) == 56);
static_assert(offsetof(MIB_TCPTABLE_OWNER_MODULE, table) == 8);
static_assert(offsetof(MIB_TCP6TABLE_OWNER_MODULE, table) == 8);

}  // namespace opengslb
