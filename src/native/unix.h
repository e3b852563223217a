// Sockets of the Unix domain: what node:net lacks of them. Every function returns -errno on failure.
#pragma once
#include <cstddef>
#include <cstdint>

namespace opengslb {

// More descriptors than this are neither sent nor taken; the kernel's own bound is 253.
constexpr size_t kDescriptorsMax = 200;

// Sends one datagram to a path; a leading '@' stands for the abstract namespace, as in the protocol
// of service managers. 0 or -errno.
int send_datagram(const char *path, const uint8_t *bytes, size_t length);

// A stream to whoever listens at the path. Waits for what it sends and receives for `timeout_ms` at
// most. A descriptor or -errno.
int connect_stream(const char *path, int timeout_ms);

// The user that the process on the other end of a stream had when it connected or listened, and its
// process id. 0 or -errno.
int peer_of(int fd, uint32_t *user, int32_t *process);

// Sends the octets with descriptors beside them, in one message. 0 or -errno; a stream that takes
// only a part of the octets counts as EMSGSIZE.
int send_descriptors(int fd, const uint8_t *bytes, size_t length, const int32_t *descriptors,
                     size_t count);

// Receives one such message. The number of octets, with `*count` descriptors taken; or -errno, with
// none left open. What does not fit is EMSGSIZE.
int receive_descriptors(int fd, uint8_t *into, size_t capacity, int32_t *descriptors,
                        size_t descriptor_capacity, size_t *count);

// A second descriptor of what the first one stands for. A descriptor or -errno.
int duplicate(int fd);

}  // namespace opengslb
