// Round-trip times and counts of one connection (TCP extended statistics, after RFC 4898).
//
// Windows collects them for no connection until it is told to, connection by connection, and lets
// administrators alone do so. What it tells counts from that moment on, in whole milliseconds.
#pragma once
#include "iphlpapi.h"

namespace opengslb {

struct Estats {
  TCP_ESTATS_PATH_ROD_v0 path;
  TCP_ESTATS_DATA_ROD_v0 data;
};

enum class Told { figures, nothing_yet, refused };

// Collection is begun where it is off; `nothing_yet` then, and where the connection has gone, and
// until the first round trip. `refused`: this process may not.
Told read_estats(const Iphlpapi &api, MIB_TCPROW &row, Estats *out);
Told read_estats(const Iphlpapi &api, MIB_TCP6ROW &row, Estats *out);

}  // namespace opengslb
