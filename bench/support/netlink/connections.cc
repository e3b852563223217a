// Holds TCP connections for the bench of the TCP table: COUNT to PORT of 10.0.0.1, both ends here.
// Says "ready" once they are open, and ends with its standard input.
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

[[noreturn]] void fail(const char *what) {
  std::fprintf(stderr, "connections: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in place(uint32_t address, int port) {
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(address);
  name.sin_port = htons(uint16_t(port));
  return name;
}

// Connections number `from` to `to`; another process may accept some of them, and this one some of
// another's.
void hold(int listener, const sockaddr *name, socklen_t length, int from, int to) {
  for (int made = from; made < to; made++) {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    // A hundred from each client network of 24 bits, and few enough ports of each address.
    const sockaddr_in own = place(0x0a010002 + uint32_t(made / 100) * 256, 0);
    const int on = 1;
    setsockopt(client, SOL_IP, IP_FREEBIND, &on, sizeof(on));
    if (bind(client, reinterpret_cast<const sockaddr *>(&own), sizeof(own)) != 0) fail("bind");
    if (connect(client, name, length) != 0) fail("connect");
    const int peer = accept(listener, nullptr, nullptr);
    if (peer < 0) fail("accept");
    if (write(peer, "x", 1) != 1) fail("write");
  }
}

}  // namespace

int main(int count, char **words) {
  if (count != 3) return 2;
  const int wanted = std::atoi(words[1]);
  const int port = std::atoi(words[2]);
  rlimit most;
  getrlimit(RLIMIT_NOFILE, &most);
  most.rlim_cur = most.rlim_max;
  setrlimit(RLIMIT_NOFILE, &most);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in server = place(0x0a000001, port);
  const auto *name = reinterpret_cast<const sockaddr *>(&server);
  if (bind(listener, name, sizeof(server)) != 0 || listen(listener, 1024) != 0) fail("listen");
  // Both ends of each are open files here, and a process may have so many.
  const int each = int((std::min<rlim_t>(most.rlim_cur, 1000000) - 100) / 2);
  for (int from = 0; from < wanted; from += each) {
    int told[2];
    if (pipe(told) != 0) fail("pipe");
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      hold(listener, name, sizeof(server), from, std::min(wanted, from + each));
      if (write(told[1], "x", 1) != 1) fail("write");
      pause();
    }
    char byte;
    close(told[1]);
    if (read(told[0], &byte, 1) != 1) return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  return 0;
}
