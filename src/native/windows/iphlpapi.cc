#include "iphlpapi.h"

namespace opengslb {
namespace {

template <typename Function>
void find(HMODULE library, const char *name, Function *into) {
  // GetProcAddress gives every function as one type; the way through void * says it is meant.
  *into = reinterpret_cast<Function>(reinterpret_cast<void *>(GetProcAddress(library, name)));
}

Iphlpapi open() {
  Iphlpapi found;
  // From the system folder alone: a file of that name beside the program is not loaded.
  const HMODULE library =
      LoadLibraryExW(L"iphlpapi.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
  if (library == nullptr) return found;
  find(library, "GetExtendedTcpTable", &found.table);
  find(library, "GetPerTcpConnectionEStats", &found.get4);
  find(library, "SetPerTcpConnectionEStats", &found.set4);
  find(library, "GetPerTcp6ConnectionEStats", &found.get6);
  find(library, "SetPerTcp6ConnectionEStats", &found.set6);
  return found;
}

}  // namespace

const Iphlpapi &iphlpapi() {
  // The library is never unloaded, so what was found holds for every thread.
  static const Iphlpapi found = open();
  return found;
}

}  // namespace opengslb
