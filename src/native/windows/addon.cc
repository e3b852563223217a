// The face of the addon for Windows to JavaScript: the TCP table, and whether it may be read whole.
// It keeps no state but where Windows has its functions.
#include <node_api.h>

#include "tcp_table.h"

namespace opengslb {
namespace {

napi_value integer(napi_env env, int value) {
  napi_value made = nullptr;
  napi_create_int32(env, value, &made);
  return made;
}

// Bytes of a typed array of that kind; null for anything else, and for an empty one.
uint8_t *bytes_of(napi_env env, napi_value value, napi_typedarray_type wanted, size_t *elements,
                  bool *is) {
  napi_typedarray_type type;
  void *data = nullptr;
  bool typed = false;
  *elements = 0;
  *is = napi_is_typedarray(env, value, &typed) == napi_ok && typed &&
        napi_get_typedarray_info(env, value, &type, elements, &data, nullptr, nullptr) == napi_ok &&
        type == wanted;
  return *is ? static_cast<uint8_t *>(data) : nullptr;
}

// dumpTcp(family, ports: Uint32Array, into: Uint8Array, withInfo) -> rows | negative fault
napi_value DumpTcp(napi_env env, napi_callback_info info) {
  napi_value values[4] = {};
  size_t count = 4, port_count = 0, room = 0;
  bool is_ports = false, is_rows = false, with_info = false;
  int32_t family = 0;
  if (napi_get_cb_info(env, info, &count, values, nullptr, nullptr) != napi_ok || count < 4 ||
      napi_get_value_int32(env, values[0], &family) != napi_ok ||
      napi_get_value_bool(env, values[3], &with_info) != napi_ok)
    count = 0;
  if (count == 4) {
    const auto *ports = reinterpret_cast<const uint32_t *>(
        bytes_of(env, values[1], napi_uint32_array, &port_count, &is_ports));
    uint8_t *into = bytes_of(env, values[2], napi_uint8_array, &room, &is_rows);
    if (is_ports && is_rows)
      return integer(
          env, dump_table(iphlpapi(), family, ports, port_count, with_info, into, room));
  }
  napi_throw_type_error(env, "invalid-argument", "family, ports, rows and a flag");
  return nullptr;
}

// isAdministrator() -> whether the token of this process is an elevated one, or that of SYSTEM
napi_value IsAdministrator(napi_env env, napi_callback_info) {
  HANDLE token = nullptr;
  TOKEN_ELEVATION elevation = {};
  DWORD size = 0;
  const bool told =
      OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) &&
      GetTokenInformation(token, TokenElevation, &elevation, sizeof(elevation), &size);
  if (token != nullptr) CloseHandle(token);
  napi_value made = nullptr;
  napi_get_boolean(env, told && elevation.TokenIsElevated != 0, &made);
  return made;
}

napi_value Init(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
      {"dumpTcp", nullptr, DumpTcp, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"isAdministrator", nullptr, IsAdministrator, nullptr, nullptr, nullptr, napi_enumerable,
       nullptr},
  };
  const size_t count = sizeof(properties) / sizeof(properties[0]);
  if (napi_define_properties(env, exports, count, properties) != napi_ok) return nullptr;
  return exports;
}

}  // namespace
}  // namespace opengslb

NAPI_MODULE_INIT() { return opengslb::Init(env, exports); }
