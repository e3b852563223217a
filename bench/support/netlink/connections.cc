// Holds TCP connections for the bench of the TCP table: COUNT to PORT of 10.0.0.1, both ends here.
// Says "ready" once they are open, and ends with its standard input.
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
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

}  // namespace

int main(int count, char **words) {
  if (count != 3) return 2;
  const int wanted = std::atoi(words[1]);
  const int port = std::atoi(words[2]);
  const rlimit most = {rlim_t(wanted) * 2 + 100, rlim_t(wanted) * 2 + 100};
  if (setrlimit(RLIMIT_NOFILE, &most) != 0) fail("limit of open files");
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in server = place(0x0a000001, port);
  const auto *name = reinterpret_cast<const sockaddr *>(&server);
  if (bind(listener, name, sizeof(server)) != 0 || listen(listener, 1024) != 0) fail("listen");
  for (int made = 0; made < wanted; made++) {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    // A hundred from each client network of 24 bits, and few enough ports of each address.
    const sockaddr_in own = place(0x0a010002 + uint32_t(made / 100) * 256, 0);
    const int on = 1;
    setsockopt(client, SOL_IP, IP_FREEBIND, &on, sizeof(on));
    if (bind(client, reinterpret_cast<const sockaddr *>(&own), sizeof(own)) != 0) fail("bind");
    if (connect(client, name, sizeof(server)) != 0) fail("connect");
    const int peer = accept(listener, nullptr, nullptr);
    if (peer < 0) fail("accept");
    if (write(peer, "x", 1) != 1) fail("write");
  }
  std::puts("ready");
  std::fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  return 0;
}
