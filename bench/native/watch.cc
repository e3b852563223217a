#include "watch.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace bench {
namespace {

std::string read_again(int fd) {
  char text[16384];
  const ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
  return std::string(text, length > 0 ? size_t(length) : 0);
}

}  // namespace

Watch::Watch(const std::string &files) : stat_(open("/proc/stat", O_RDONLY)) {
  size_t from = 0;
  while (from < files.size()) {
    size_t to = files.find(',', from);
    if (to == std::string::npos) to = files.size();
    descriptors_.push_back(open(files.substr(from, to - from).c_str(), O_RDONLY));
    from = to + 1;
  }
}

Watch::Sample Watch::take() const {
  Sample sample;
  // The first number of schedstat is the time on a processor, in nanoseconds.
  for (const int fd : descriptors_) {
    const std::string text = fd < 0 ? "" : read_again(fd);
    sample.threads.push_back(text.empty() ? -1 : std::strtod(text.c_str(), nullptr));
  }
  const std::string stat = read_again(stat_);
  for (size_t at = stat.find("\ncpu"); at != std::string::npos; at = stat.find("\ncpu", at + 1)) {
    const char *rest = std::strchr(stat.c_str() + at, ' ');
    std::vector<double> ticks;
    for (int field = 0; field < 8 && rest != nullptr; field++) {
      char *after = nullptr;
      ticks.push_back(std::strtod(rest, &after));
      rest = after;
    }
    sample.cpus.push_back(ticks);
  }
  timespec own;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
  sample.own_cpu_ns = double(own.tv_sec) * 1e9 + double(own.tv_nsec);
  return sample;
}

void Watch::begin() { before_ = take(); }
void Watch::end() { after_ = take(); }

std::string Watch::json() const {
  std::string text = "\"threads\":[";
  char number[64];
  for (size_t at = 0; at < descriptors_.size(); at++) {
    // A thread that ended meanwhile has no second sample.
    const bool whole = before_.threads[at] >= 0 && after_.threads[at] >= 0;
    const double ns = whole ? after_.threads[at] - before_.threads[at] : 0;
    std::snprintf(number, sizeof(number), "%s%.0f", at > 0 ? "," : "", ns);
    text += number;
  }
  text += "],\"cpus\":[";
  for (size_t cpu = 0; cpu < before_.cpus.size() && cpu < after_.cpus.size(); cpu++) {
    text += cpu > 0 ? ",[" : "[";
    for (size_t at = 0; at < before_.cpus[cpu].size(); at++) {
      const double ticks = after_.cpus[cpu][at] - before_.cpus[cpu][at];
      std::snprintf(number, sizeof(number), "%s%.0f", at > 0 ? "," : "", ticks);
      text += number;
    }
    text += "]";
  }
  std::snprintf(number, sizeof(number), "],\"ownCpuNs\":%.0f", after_.own_cpu_ns - before_.own_cpu_ns);
  return text + number;
}

}  // namespace bench
