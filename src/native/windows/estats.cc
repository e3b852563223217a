#include "estats.h"

#include <cstring>

namespace opengslb {
namespace {

template <typename T>
PUCHAR octets(T *value) {
  return reinterpret_cast<PUCHAR>(value);
}

// The two functions of a family as one face.
struct Of4 {
  using Row = MIB_TCPROW;
  static auto get(const Iphlpapi &api) { return api.get4; }
  static auto set(const Iphlpapi &api) { return api.set4; }
};
struct Of6 {
  using Row = MIB_TCP6ROW;
  static auto get(const Iphlpapi &api) { return api.get6; }
  static auto set(const Iphlpapi &api) { return api.set6; }
};

// One kind of statistics: what is read, and the switch that begins it. Version 0 is the only one.
template <typename Family, typename Switch, typename Figures>
DWORD read_kind(const Iphlpapi &api, typename Family::Row &row, TCP_ESTATS_TYPE kind,
                Figures *figures, bool *collects) {
  Switch on;
  std::memset(&on, 0, sizeof(on));
  std::memset(figures, 0, sizeof(*figures));
  DWORD code = Family::get(api)(&row, kind, octets(&on), 0, sizeof(on), nullptr, 0, 0,
                                octets(figures), 0, sizeof(*figures));
  *collects = code == NO_ERROR && on.EnableCollection != FALSE;
  if (code != NO_ERROR || *collects) return code;
  on.EnableCollection = TRUE;
  return Family::set(api)(&row, kind, octets(&on), 0, sizeof(on), 0);
}

template <typename Family>
Told read(const Iphlpapi &api, typename Family::Row &row, Estats *out) {
  bool has_path = false, has_data = false;
  const DWORD path = read_kind<Family, TCP_ESTATS_PATH_RW_v0>(
      api, row, TcpConnectionEstatsPath, &out->path, &has_path);
  if (path == ERROR_ACCESS_DENIED) return Told::refused;
  const DWORD data = read_kind<Family, TCP_ESTATS_DATA_RW_v0>(
      api, row, TcpConnectionEstatsData, &out->data, &has_data);
  if (data == ERROR_ACCESS_DENIED) return Told::refused;
  // Zero before the first sample is no time at all.
  return has_path && has_data && out->path.CountRtt > 0 ? Told::figures : Told::nothing_yet;
}

}  // namespace

Told read_estats(const Iphlpapi &api, MIB_TCPROW &row, Estats *out) {
  return read<Of4>(api, row, out);
}

Told read_estats(const Iphlpapi &api, MIB_TCP6ROW &row, Estats *out) {
  return read<Of6>(api, row, out);
}

}  // namespace opengslb
