// The face of the addon to JavaScript. No static state: everything belongs to one environment, so
// it loads into any number of worker threads.
#include <node_api.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include "favour.h"
#include "front.h"
#include "sockets.h"
#include "tcp_diag.h"
#include "unix.h"

namespace opengslb {
namespace {

constexpr size_t kArgumentsMax = 13;

struct Arguments {
  napi_env env;
  size_t count = kArgumentsMax;
  napi_value values[kArgumentsMax];

  Arguments(napi_env environment, napi_callback_info info) : env(environment) {
    if (napi_get_cb_info(env, info, &count, values, nullptr, nullptr) != napi_ok) count = 0;
    if (count > kArgumentsMax) count = kArgumentsMax;
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
  bool typed(size_t at) const {
    bool is = false;
    return at < count && napi_is_typedarray(env, values[at], &is) == napi_ok && is;
  }
  // Bytes of a typed array, and how many; null for anything else, and for an empty one.
  uint8_t *bytes(size_t at, size_t *length) const {
    *length = 0;
    if (!typed(at)) return nullptr;
    napi_typedarray_type type;
    size_t elements = 0;
    void *data = nullptr;
    if (napi_get_typedarray_info(env, values[at], &type, &elements, &data, nullptr, nullptr) !=
        napi_ok)
      return nullptr;
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

// openReceiver(address: Uint8Array, port, bufferBytes, exclusive) -> fd | -errno
napi_value OpenReceiver(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Endpoint endpoint;
  if (!endpoint_of(arguments, &endpoint)) return refuse(env, "address (4 or 16 bytes) and port");
  return integer(env, open_receiver(endpoint, arguments.integer(2), arguments.flag(3)));
}

// openSender(address: Uint8Array, port, bufferBytes, exclusive) -> fd | -errno
napi_value OpenSender(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Endpoint endpoint;
  if (!endpoint_of(arguments, &endpoint)) return refuse(env, "address (4 or 16 bytes) and port");
  return integer(env, open_sender(endpoint, arguments.integer(2), arguments.flag(3)));
}

// shareEvenly(fd, count) -> 0 | -errno
napi_value ShareEvenly(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return integer(env, share_evenly(arguments.integer(0), arguments.integer(1)));
}

napi_value BoundPort(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return integer(env, bound_port(arguments.integer(0)));
}

// receiveBuffer(fd) -> bytes the kernel granted | -errno
napi_value ReceiveBuffer(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return integer(env, receive_buffer(arguments.integer(0)));
}

// dropped(fd) -> datagrams, modulo 2^32 | -errno
napi_value Dropped(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  napi_value made = nullptr;
  napi_create_int64(env, dropped(arguments.integer(0)), &made);
  return made;
}

// pinThread(cpu) -> 0 | -errno: the calling thread runs on that CPU alone.
napi_value PinThread(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const int cpu = arguments.integer(0);
  if (cpu < 0 || cpu >= CPU_SETSIZE) return integer(env, -EINVAL);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return integer(env, sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : -errno);
}

// favourThread(increment, sliceNs, first) -> 0 | -errno: how the calling thread is scheduled.
napi_value FavourThread(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const int slice_ns = std::max(arguments.integer(1), 0);
  return integer(env, Favour::begin(env, arguments.integer(0), slice_ns, arguments.flag(2)));
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

// startFront(receiver, sender, reportDestination, stride, in, out, peers, control, inLengths,
//   outLengths, state, counters, callback) -> handle
napi_value StartFront(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  constexpr size_t kFirst = 4, kCallback = 12;
  if (arguments.count <= kCallback) return refuse(env, "thirteen arguments");
  size_t sizes[kCallback] = {};
  void *arrays[kCallback] = {};
  for (size_t at = kFirst; at < kCallback; at++) {
    arrays[at] = arguments.bytes(at, &sizes[at]);
    if (arrays[at] == nullptr) return refuse(env, "typed arrays");
  }
  Slab slab;
  slab.stride = uint32_t(arguments.integer(3));
  slab.in = static_cast<uint8_t *>(arrays[4]);
  slab.out = static_cast<uint8_t *>(arrays[5]);
  slab.peers = static_cast<uint8_t *>(arrays[6]);
  slab.control = static_cast<uint8_t *>(arrays[7]);
  slab.in_lengths = static_cast<uint32_t *>(arrays[8]);
  slab.out_lengths = static_cast<uint32_t *>(arrays[9]);
  slab.state = static_cast<uint32_t *>(arrays[10]);
  slab.counters = static_cast<double *>(arrays[11]);
  const size_t batch = sizes[8] / sizeof(uint32_t);
  slab.batch = int(batch);
  // Every size is checked here, once, so that the loop may trust them.
  if (batch == 0 || batch > kBatchMax || slab.stride < 512 || slab.stride > 65535 ||
      sizes[4] < batch * slab.stride || sizes[5] < batch * slab.stride ||
      sizes[6] < batch * kPeerBytes || sizes[7] < batch * kControlBytes ||
      sizes[9] < batch * sizeof(uint32_t) ||
      sizes[10] < (kLengths + 2 * batch) * sizeof(uint32_t) ||
      sizes[11] < kCounterCount * sizeof(double))
    return refuse(env, "buffers do not fit the batch");
  auto *front = new Front(env, arguments.integer(0), arguments.integer(1), arguments.flag(2), slab);
  napi_value handle = nullptr;
  if (napi_create_external(env, front, DeleteFront, nullptr, &handle) != napi_ok) {
    delete front;
    return refuse(env, "no handle could be made");
  }
  // The arrays must outlive the front, and the front whoever forgets its handle.
  napi_value keep_alive = nullptr;
  napi_create_array(env, &keep_alive);
  for (uint32_t at = kFirst; at < kCallback; at++)
    napi_set_element(env, keep_alive, at, arguments.values[at]);
  napi_set_element(env, keep_alive, 0, handle);
  if (front->start(arguments.values[kCallback], keep_alive) != 0)
    return refuse(env, "the descriptor cannot be polled");
  return handle;
}

Front *front_of(napi_env env, const Arguments &arguments) {
  void *front = nullptr;
  if (arguments.count < 1 || napi_get_value_external(env, arguments.values[0], &front) != napi_ok) {
    refuse(env, "a handle of startFront");
    return nullptr;
  }
  return static_cast<Front *>(front);
}

// turnFront(handle): finishes the batch a front before it left behind, and reads what waits.
napi_value TurnFront(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  if (Front *front = front_of(env, arguments)) front->turn();
  return nullptr;
}

// releaseFront(handle, count, sends): sends or forgets the oldest answers that were kept.
napi_value ReleaseFront(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const int count = arguments.integer(1);
  Front *front = front_of(env, arguments);
  if (front != nullptr && count > 0) front->release(uint32_t(count), arguments.flag(2));
  return nullptr;
}

napi_value StopFront(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  if (Front *front = front_of(env, arguments)) front->stop();
  return nullptr;
}

// The ports and the memory for rows, at two places of the arguments; false when they are none.
struct TcpArguments {
  const uint32_t *ports;
  size_t port_count;
  uint8_t *into;
  size_t into_bytes;

  bool read(const Arguments &arguments) {
    size_t bytes = 0;
    ports = reinterpret_cast<const uint32_t *>(arguments.bytes(1, &bytes));
    port_count = bytes / sizeof(uint32_t);
    into = arguments.bytes(2, &into_bytes);
    return arguments.typed(1) && arguments.typed(2) && bytes % sizeof(uint32_t) == 0 &&
           reinterpret_cast<uintptr_t>(ports) % sizeof(uint32_t) == 0;
  }
};

// dumpTcp(family, ports: Uint32Array, into: Uint8Array, withInfo) -> rows | -errno
napi_value DumpTcp(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  TcpArguments tcp;
  if (!tcp.read(arguments)) return refuse(env, "ports (Uint32Array) and rows (Uint8Array)");
  return integer(env, dump_tcp(arguments.integer(0), tcp.ports, tcp.port_count, arguments.flag(3),
                               tcp.into, tcp.into_bytes));
}

// openTcpEnds() -> fd | -errno
napi_value OpenTcpEnds(napi_env env, napi_callback_info) { return integer(env, open_tcp_ends()); }

// readTcpEnds(fd, ports: Uint32Array, into: Uint8Array) -> rows | -errno
napi_value ReadTcpEnds(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  TcpArguments tcp;
  if (!tcp.read(arguments)) return refuse(env, "ports (Uint32Array) and rows (Uint8Array)");
  return integer(env, read_tcp_ends(arguments.integer(0), tcp.ports, tcp.port_count, tcp.into,
                                    tcp.into_bytes));
}

// markTcpEnds(cpu) -> cookie | 0 | -errno
napi_value MarkTcpEnds(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  napi_value cookie = nullptr;
  napi_create_double(env, double(mark_tcp_ends(arguments.integer(0))), &cookie);
  return cookie;
}

// The text of an argument, for a path: false when it is none or does not fit.
bool path_of(const Arguments &arguments, size_t at, char (&out)[256]) {
  size_t length = 0;
  if (at >= arguments.count ||
      napi_get_value_string_utf8(arguments.env, arguments.values[at], nullptr, 0, &length) !=
          napi_ok ||
      length >= sizeof(out))
    return false;
  return napi_get_value_string_utf8(arguments.env, arguments.values[at], out, sizeof(out),
                                    &length) == napi_ok;
}

// openListener(address: Uint8Array, port, backlog, bothFamilies) -> fd | -errno
napi_value OpenListener(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Endpoint endpoint;
  if (!endpoint_of(arguments, &endpoint)) return refuse(env, "address (4 or 16 bytes) and port");
  return integer(env, open_listener(endpoint, arguments.integer(2), arguments.flag(3)));
}

// duplicate(fd) -> fd | -errno
napi_value Duplicate(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return integer(env, duplicate(arguments.integer(0)));
}

// sendDatagram(path, octets: Uint8Array) -> 0 | -errno
napi_value SendDatagram(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  char path[256];
  size_t length = 0;
  const uint8_t *bytes = arguments.bytes(1, &length);
  if (!path_of(arguments, 0, path) || bytes == nullptr) return refuse(env, "path and octets");
  return integer(env, send_datagram(path, bytes, length));
}

// connectStream(path, timeoutMs) -> fd | -errno
napi_value ConnectStream(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  char path[256];
  if (!path_of(arguments, 0, path)) return refuse(env, "path");
  return integer(env, connect_stream(path, arguments.integer(1)));
}

// peerOf(fd, into: Uint32Array of user and process) -> 0 | -errno
napi_value PeerOf(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  size_t length = 0;
  auto *into = reinterpret_cast<uint32_t *>(arguments.bytes(1, &length));
  if (into == nullptr || length < 2 * sizeof(uint32_t)) return refuse(env, "two words");
  return integer(env, peer_of(arguments.integer(0), into, reinterpret_cast<int32_t *>(into + 1)));
}

// sendDescriptors(fd, octets: Uint8Array, descriptors: Uint32Array) -> 0 | -errno
napi_value SendDescriptors(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  size_t length = 0, descriptor_bytes = 0;
  const uint8_t *bytes = arguments.bytes(1, &length);
  const auto *descriptors = reinterpret_cast<int32_t *>(arguments.bytes(2, &descriptor_bytes));
  if (bytes == nullptr || !arguments.typed(2)) return refuse(env, "octets and descriptors");
  return integer(env, send_descriptors(arguments.integer(0), bytes, length, descriptors,
                                       descriptor_bytes / sizeof(int32_t)));
}

// receiveDescriptors(fd, into: Uint8Array, descriptors: Uint32Array) -> octets | -errno. The first
// word of `descriptors` tells how many follow.
napi_value ReceiveDescriptors(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  size_t capacity = 0, descriptor_bytes = 0;
  uint8_t *into = arguments.bytes(1, &capacity);
  auto *descriptors = reinterpret_cast<int32_t *>(arguments.bytes(2, &descriptor_bytes));
  if (into == nullptr || descriptor_bytes < 2 * sizeof(int32_t))
    return refuse(env, "octets and descriptors");
  size_t count = 0;
  const int received = receive_descriptors(arguments.integer(0), into, capacity, descriptors + 1,
                                           descriptor_bytes / sizeof(int32_t) - 1, &count);
  descriptors[0] = int32_t(count);
  return integer(env, received);
}

napi_value Init(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
#define METHOD(name, function) \
  {name, nullptr, function, nullptr, nullptr, nullptr, napi_enumerable, nullptr}
      METHOD("openReceiver", OpenReceiver), METHOD("openSender", OpenSender),
      METHOD("boundPort", BoundPort),       METHOD("receiveBuffer", ReceiveBuffer),
      METHOD("dropped", Dropped),
      METHOD("lockFile", LockFile),         METHOD("closeDescriptor", CloseDescriptor),
      METHOD("pinThread", PinThread),       METHOD("favourThread", FavourThread),
      METHOD("startFront", StartFront),     METHOD("turnFront", TurnFront),
      METHOD("releaseFront", ReleaseFront),
      METHOD("stopFront", StopFront),       METHOD("shareEvenly", ShareEvenly),
      METHOD("dumpTcp", DumpTcp),
      METHOD("openTcpEnds", OpenTcpEnds),   METHOD("readTcpEnds", ReadTcpEnds),
      METHOD("markTcpEnds", MarkTcpEnds),
      METHOD("openListener", OpenListener), METHOD("duplicate", Duplicate),
      METHOD("sendDatagram", SendDatagram), METHOD("connectStream", ConnectStream),
      METHOD("peerOf", PeerOf),             METHOD("sendDescriptors", SendDescriptors),
      METHOD("receiveDescriptors", ReceiveDescriptors),
#undef METHOD
  };
  const size_t count = sizeof(properties) / sizeof(properties[0]);
  if (napi_define_properties(env, exports, count, properties) != napi_ok) return nullptr;
  return exports;
}

}  // namespace
}  // namespace opengslb

NAPI_MODULE_INIT() { return opengslb::Init(env, exports); }
