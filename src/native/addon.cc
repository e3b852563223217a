// The face of the addon to JavaScript. No static state: everything belongs to one environment, so
// it loads into any number of worker threads.
#include <node_api.h>

#include <cerrno>
#include <cstring>
#include <sys/file.h>
#include <unistd.h>

#include "front.h"
#include "sockets.h"

namespace opengslb {
namespace {

constexpr size_t kArgumentsMax = 12;

struct Arguments {
  napi_env env;
  size_t count = kArgumentsMax;
  napi_value values[kArgumentsMax];

  Arguments(napi_env environment, napi_callback_info info) : env(environment) {
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  int integer(size_t at) const {
    int32_t value = 0;
    if (at < count) napi_get_value_int32(env, values[at], &value);
    return value;
  }
  bool flag(size_t at) const {
    bool value = false;
    if (at < count) napi_get_value_bool(env, values[at], &value);
    return value;
  }
  // Bytes of a typed array, and how many; null for anything else.
  uint8_t *bytes(size_t at, size_t *length) const {
    *length = 0;
    bool typed = false;
    if (at >= count || napi_is_typedarray(env, values[at], &typed) != napi_ok || !typed)
      return nullptr;
    napi_typedarray_type type;
    size_t elements = 0;
    void *data = nullptr;
    napi_get_typedarray_info(env, values[at], &type, &elements, &data, nullptr, nullptr);
    const size_t width = type == napi_float64_array ? 8 : type == napi_uint32_array ? 4 : 1;
    *length = elements * width;
    return static_cast<uint8_t *>(data);
  }
};

napi_value integer(napi_env env, int value) {
  napi_value made = nullptr;
  napi_create_int32(env, value, &made);
  return made;
}

napi_value refuse(napi_env env, const char *what) {
  napi_throw_type_error(env, "invalid-argument", what);
  return nullptr;
}

bool endpoint_of(const Arguments &arguments, Endpoint *out) {
  size_t length = 0;
  const uint8_t *address = arguments.bytes(0, &length);
  const int port = arguments.integer(1);
  if (address == nullptr || (length != 4 && length != 16) || port < 0 || port > 65535) return false;
  std::memset(out, 0, sizeof(*out));
  std::memcpy(out->address, address, length);
  out->v6 = length == 16;
  out->port = uint16_t(port);
  return true;
}

// openReceiver(address: Uint8Array, port, bufferBytes) -> fd | -errno
napi_value OpenReceiver(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Endpoint endpoint;
  if (!endpoint_of(arguments, &endpoint)) return refuse(env, "address (4 or 16 bytes) and port");
  return integer(env, open_receiver(endpoint, arguments.integer(2)));
}

// openSender(address: Uint8Array, port, bufferBytes) -> fd | -errno
napi_value OpenSender(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Endpoint endpoint;
  if (!endpoint_of(arguments, &endpoint)) return refuse(env, "address (4 or 16 bytes) and port");
  return integer(env, open_sender(endpoint, arguments.integer(2)));
}

napi_value BoundPort(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return integer(env, bound_port(arguments.integer(0)));
}

napi_value CloseDescriptor(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return integer(env, close(arguments.integer(0)) == 0 ? 0 : -errno);
}

// lockFile(fd) -> 0 | -errno: an exclusive lock that dies with the process.
napi_value LockFile(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return integer(env, flock(arguments.integer(0), LOCK_EX | LOCK_NB) == 0 ? 0 : -errno);
}

void DeleteFront(napi_env, void *data, void *) { delete static_cast<Front *>(data); }

// startFront(receiver, sender, reportDestination, stride, in, out, peers, inLengths, outLengths,
//   counters, callback) -> handle
napi_value StartFront(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  size_t in = 0, out = 0, peers = 0, in_lengths = 0, out_lengths = 0, counters = 0;
  Slab slab;
  slab.stride = uint32_t(arguments.integer(3));
  slab.in = arguments.bytes(4, &in);
  slab.out = arguments.bytes(5, &out);
  slab.peers = arguments.bytes(6, &peers);
  slab.in_lengths = reinterpret_cast<uint32_t *>(arguments.bytes(7, &in_lengths));
  slab.out_lengths = reinterpret_cast<uint32_t *>(arguments.bytes(8, &out_lengths));
  slab.counters = reinterpret_cast<double *>(arguments.bytes(9, &counters));
  const size_t batch = in_lengths / sizeof(uint32_t);
  slab.batch = int(batch);
  // Every size is checked here, once, so that the loop may trust them.
  if (batch == 0 || batch > kBatchMax || slab.stride < 512 || slab.stride > 65535 ||
      in < batch * slab.stride || out < batch * slab.stride || peers < batch * kPeerBytes ||
      out_lengths < batch * sizeof(uint32_t) || counters < kCounterCount * sizeof(double))
    return refuse(env, "buffers do not fit the batch");
  auto *front = new Front(env, arguments.integer(0), arguments.integer(1), arguments.flag(2), slab);
  // The arrays must outlive the front: it keeps them in one JavaScript array.
  napi_value keep_alive = nullptr;
  napi_create_array(env, &keep_alive);
  for (uint32_t at = 4; at < 10; at++) napi_set_element(env, keep_alive, at, arguments.values[at]);
  const int started = front->start(arguments.values[10], keep_alive);
  if (started != 0) {
    delete front;
    return refuse(env, "the descriptor cannot be polled");
  }
  napi_value handle = nullptr;
  napi_create_external(env, front, DeleteFront, nullptr, &handle);
  return handle;
}

napi_value StopFront(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  void *front = nullptr;
  if (arguments.count < 1 || napi_get_value_external(env, arguments.values[0], &front) != napi_ok)
    return refuse(env, "a handle of startFront");
  static_cast<Front *>(front)->stop();
  return nullptr;
}

napi_value Init(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
#define METHOD(name, function) \
  {name, nullptr, function, nullptr, nullptr, nullptr, napi_enumerable, nullptr}
      METHOD("openReceiver", OpenReceiver), METHOD("openSender", OpenSender),
      METHOD("boundPort", BoundPort),       METHOD("closeDescriptor", CloseDescriptor),
      METHOD("lockFile", LockFile),         METHOD("startFront", StartFront),
      METHOD("stopFront", StopFront),
#undef METHOD
  };
  napi_define_properties(env, exports, sizeof(properties) / sizeof(properties[0]), properties);
  return exports;
}

}  // namespace
}  // namespace opengslb

NAPI_MODULE_INIT() { return opengslb::Init(env, exports); }
