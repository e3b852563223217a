// A slow line between two network namespaces: a pair of TUN devices, and every packet from one
// written to the other after a fixed delay, in order. The kernel's TCP then has real round trips,
// also where `tc netem` was not built.
//
//     delay-link [--bridge] NS_A DEVICE_A CIDR_A NS_B DEVICE_B CIDR_B DELAY_MS
//
// DELAY_MS is one way. With --bridge the devices carry whole frames, so that one of them can be the
// port of a bridge, get no address, and only what comes from A is delayed, as `netem` on A does. A
// line "ADDRESS MS" is then the delay of what A sends to that IPv4 address. A line on standard input is a new delay; its end ends the program. It says
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

// Packets to one address, with a delay of their own.
struct Apart {
  in_addr_t to;
  Clock::duration delay;
};

constexpr size_t kMostApart = 16;

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

void keep(Way &way, const char *bytes, ssize_t length, Time due) {
  if (way.waiting.size() >= Way::kMost) return;
  // A shorter delay than before overtakes nobody.
  const Time after = way.waiting.empty() ? due : std::max(due, way.waiting.back().due);
  way.waiting.push_back({after, {bytes, bytes + length}});
}

// The receiver of a frame that carries IPv4, else 0.
in_addr_t receiver_of(const char *frame, ssize_t length) {
  in_addr_t to = 0;
  if (length >= 34 && frame[12] == 8 && frame[13] == 0) std::memcpy(&to, frame + 30, sizeof(to));
  return to;
}

// What is read waits on the first way, or on one of those after it that go to one address each.
void take(std::vector<Way> &ways, const std::vector<Apart> &aparts, Clock::duration delay) {
  char bytes[65536];
  const Time now = Clock::now();
  for (int round = 0; round < 64; round++) {
    const ssize_t length = read(ways[0].from, bytes, sizeof(bytes));
    if (length <= 0) return;
    const in_addr_t to = aparts.empty() ? 0 : receiver_of(bytes, length);
    size_t at = 0;
    while (at < aparts.size() && aparts[at].to != to) at++;
    if (at < aparts.size()) keep(ways[at + 1], bytes, length, now + aparts[at].delay);
    else keep(ways[0], bytes, length, now + delay);
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
  // From A, and to A: what goes to an address of its own delay has a way of its own.
  std::vector<Way> there = {{a, b, {}}};
  std::vector<Way> back = {{b, a, {}}};
  std::vector<Apart> aparts;
  const auto delay_of = [](const char *text) {
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double, std::milli>(std::atof(text)));
  };
  auto delay = delay_of(words[7]);
  const auto obey = [&](char *line) {
    char *space = std::strchr(line, ' ');
    if (space == nullptr) {
      delay = delay_of(line);
      return;
    }
    *space = 0;
    in_addr to = {};
    if (inet_pton(AF_INET, line, &to) != 1) return;
    for (Apart &apart : aparts) {
      if (apart.to == to.s_addr) {
        apart.delay = delay_of(space + 1);
        return;
      }
    }
    if (aparts.size() >= kMostApart) return;
    aparts.push_back({to.s_addr, delay_of(space + 1)});
    there.push_back({a, b, {}});
  };
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    const Time now = Clock::now();
    Time next = now + std::chrono::seconds(1);
    for (std::vector<Way> *ways : {&there, &back}) {
      for (Way &way : *ways) {
        give(way, now);
        if (!way.waiting.empty()) next = std::min(next, way.waiting.front().due);
      }
    }
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(next - Clock::now());
    const timespec patience = {left.count() > 0 ? left.count() / 1000000000 : 0,
                               left.count() > 0 ? left.count() % 1000000000 : 0};
    pollfd watched[3] = {{a, POLLIN, 0}, {b, POLLIN, 0}, {0, POLLIN, 0}};
    if (ppoll(watched, 3, &patience, nullptr) < 0 && errno != EINTR) fail("poll");
    if (watched[0].revents & POLLIN) take(there, aparts, delay);
    if (watched[1].revents & POLLIN) take(back, {}, frames ? Clock::duration::zero() : delay);
    if (watched[2].revents) {
      char text[1024];
      const ssize_t length = read(0, text, sizeof(text) - 1);
      if (length <= 0) return 0;
      text[length] = 0;
      // Several may have come at once.
      for (char *line = std::strtok(text, "\n"); line != nullptr; line = std::strtok(nullptr, "\n"))
        obey(line);
    }
  }
}
