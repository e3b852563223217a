// /usr/local/bin/opengslb: runs the program on the Node runtime that the package brings.
//
// File capabilities belong to a binary, and Node must not carry them: whoever may run it could run
// any script with them. This launcher carries them instead, hands them to Node as ambient
// capabilities (capabilities(7)), and runs nothing but the program. What could make Node load other
// code is taken out of the environment first, wherever the capabilities came from the file.
//
// It is linked against nothing but the C library.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef OPENGSLB_HOME
#define OPENGSLB_HOME "/usr/lib/opengslb"
#endif

namespace {

constexpr char kNode[] = OPENGSLB_HOME "/node";
constexpr char kProgram[] = OPENGSLB_HOME "/dist/opengslb.js";
constexpr int kArgumentsMax = 256;

// Variables that let code or keys in. The dynamic linker has removed its own already, but only for
// this process: Node, which gets the capabilities another way, would take them.
constexpr const char *kDangerous[] = {"NODE_", "LD_",     "OPENSSL_", "SSL_CERT_", "GCONV_PATH=",
                                      "UV_",   "LOCPATH=", "MALLOC_",  "TMPDIR=",   "HOSTALIASES="};

int fail(const char *what) {
  std::fprintf(stderr, "opengslb: %s: %s\n", what, std::strerror(errno));
  return 1;
}

void clean(char **environment) {
  char **kept = environment;
  for (char **at = environment; *at != nullptr; at++) {
    bool dangerous = false;
    for (const char *prefix : kDangerous)
      dangerous = dangerous || std::strncmp(*at, prefix, std::strlen(prefix)) == 0;
    if (!dangerous) *kept++ = *at;
  }
  *kept = nullptr;
}

// What is permitted becomes inheritable and ambient, so that it outlives execve().
bool keep_capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  for (auto &word : data) word.inheritable = word.permitted;
  if (syscall(SYS_capset, &header, data) != 0) return false;
  for (unsigned capability = 0; capability < 64; capability++) {
    if ((data[capability / 32].permitted & (1u << (capability % 32))) == 0) continue;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return false;
  }
  return true;
}

}  // namespace

int main(int count, char **words) {
  // Set by the kernel where the file gave this process more than its caller had.
  if (getauxval(AT_SECURE) != 0) {
    clean(environ);
    if (!keep_capabilities()) return fail("the capabilities of the file cannot be passed on");
  }
  if (count < 1 || count > kArgumentsMax) {
    errno = E2BIG;
    return fail("arguments");
  }
  char *arguments[kArgumentsMax + 2];
  int at = 0;
  arguments[at++] = const_cast<char *>("opengslb");
  arguments[at++] = const_cast<char *>(kProgram);
  for (int word = 1; word < count; word++) arguments[at++] = words[word];
  arguments[at] = nullptr;
  execv(kNode, arguments);
  return fail(kNode);
}
