// A slow line between two network namespaces: a pair of TUN devices, and every packet from one
// written to the other after a fixed delay, in order. The kernel's TCP then has real round trips,
// also where `tc netem` was not built.
//
//     delay-link [--bridge] NS_A DEVICE_A CIDR_A NS_B DEVICE_B CIDR_B DELAY_MS
//
// DELAY_MS is one way. With --bridge the devices carry whole frames, so that one of them can be the
// port of a bridge, get no address, and only what comes from A is delayed, as `netem` on A does. A line on standard input is a new delay; its end ends the program. It says
// "ready" on standard output once both devices are up.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

struct Packet {
  Time due;
  std::vector<char> bytes;
};

// One way through the line. What waits is bounded, as in a router.
struct Way {
  int from;
  int to;
  std::deque<Packet> waiting;
  static constexpr size_t kMost = 20000;
};

[[noreturn]] void fail(const char *what) {
  std::fprintf(stderr, "delay-link: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

// "192.0.2.1/24" onto the device, "-" for no address, and the device up, by the calls that need no other program.
void configure(const char *device, const std::string &cidr) {
  const size_t slash = cidr.find('/');
  const int bits = slash == std::string::npos ? 0 : std::atoi(cidr.c_str() + slash + 1);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  ifreq request = {};
  std::snprintf(request.ifr_name, IFNAMSIZ, "%s", device);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, cidr.substr(0, slash).c_str(), &address.sin_addr);
  std::memcpy(&request.ifr_addr, &address, sizeof(address));
  if (slash != std::string::npos && ioctl(fd, SIOCSIFADDR, &request) != 0) fail("address");
  address.sin_addr.s_addr = htonl(bits == 0 ? 0 : ~0u << (32 - bits));
  std::memcpy(&request.ifr_netmask, &address, sizeof(address));
  if (slash != std::string::npos && ioctl(fd, SIOCSIFNETMASK, &request) != 0) fail("netmask");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) fail("up");
  close(fd);
}

// A TUN or TAP device in a namespace of `ip netns`; the descriptor works from any.
int open_device(const char *space, const char *device, const char *cidr, bool frames) {
  const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const int there = open((std::string("/var/run/netns/") + space).c_str(), O_RDONLY | O_CLOEXEC);
  if (there < 0 || setns(there, CLONE_NEWNET) != 0) fail(space);
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq request = {};
  request.ifr_flags = static_cast<short>((frames ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
  std::snprintf(request.ifr_name, IFNAMSIZ, "%s", device);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) fail("/dev/net/tun");
  configure(device, cidr);
  if (setns(home, CLONE_NEWNET) != 0) fail("setns");
  close(there);
  close(home);
  return fd;
}

void take(Way &way, Time due) {
  char bytes[65536];
  for (int round = 0; round < 64; round++) {
    const ssize_t length = read(way.from, bytes, sizeof(bytes));
    if (length <= 0) return;
    if (way.waiting.size() >= Way::kMost) continue;
    // A shorter delay than before overtakes nobody.
    const Time after = way.waiting.empty() ? due : std::max(due, way.waiting.back().due);
    way.waiting.push_back({after, {bytes, bytes + length}});
  }
}

void give(Way &way, Time now) {
  while (!way.waiting.empty() && way.waiting.front().due <= now) {
    const auto &bytes = way.waiting.front().bytes;
    // A device that is down drops, as a line would.
    if (write(way.to, bytes.data(), bytes.size()) < 0) {
    }
    way.waiting.pop_front();
  }
}

}  // namespace

int main(int count, char **words) {
  const bool frames = count > 1 && std::strcmp(words[1], "--bridge") == 0;
  words += frames;
  if (count - frames != 8) {
    std::fprintf(stderr, "usage: delay-link [--bridge] NS DEVICE CIDR NS DEVICE CIDR DELAY_MS\n");
    return 2;
  }
  const int a = open_device(words[1], words[2], words[3], frames);
  const int b = open_device(words[4], words[5], words[6], frames);
  Way ways[2] = {{a, b, {}}, {b, a, {}}};
  const auto delay_of = [](const char *text) {
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double, std::milli>(std::atof(text)));
  };
  auto delay = delay_of(words[7]);
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    const Time now = Clock::now();
    Time next = now + std::chrono::seconds(1);
    for (Way &way : ways) {
      give(way, now);
      if (!way.waiting.empty()) next = std::min(next, way.waiting.front().due);
    }
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(next - Clock::now());
    const timespec patience = {left.count() > 0 ? left.count() / 1000000000 : 0,
                               left.count() > 0 ? left.count() % 1000000000 : 0};
    pollfd watched[3] = {{a, POLLIN, 0}, {b, POLLIN, 0}, {0, POLLIN, 0}};
    if (ppoll(watched, 3, &patience, nullptr) < 0 && errno != EINTR) fail("poll");
    for (int way = 0; way < 2; way++)
      if (watched[way].revents & POLLIN)
        take(ways[way], Clock::now() + (frames && way == 1 ? Clock::duration::zero() : delay));
    if (watched[2].revents) {
      char line[64];
      const ssize_t length = read(0, line, sizeof(line) - 1);
      if (length <= 0) return 0;
      line[length] = 0;
      delay = delay_of(line);
    }
  }
}
