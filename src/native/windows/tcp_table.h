// The TCP table of Windows as rows of the layout that the kernel of Linux is read into.
//
// Left out: connections that ended. Windows tells nobody of them, and keeps no statistics of one
// that waits (TIME_WAIT).
#pragma once
#include "../tcp_rows.h"
#include "iphlpapi.h"

namespace opengslb {

// As dump_tcp of tcp_diag.h, but a fault is a negative code of Windows: -ERROR_ACCESS_DENIED where
// round-trip times of some connection were asked for, and of none were they allowed.
int dump_table(const Iphlpapi &api, int family, const uint32_t *ports, size_t port_count,
               bool with_info, uint8_t *into, size_t into_bytes);

}  // namespace opengslb
