// What the machine did during a round, read by the generator itself at both ends of it, so that
// the figures and the load begin and end together.
#pragma once

#include <string>
#include <vector>

namespace bench {

// CPU nanoseconds of threads, by their schedstat files, and the counters of two processors.
class Watch {
 public:
  explicit Watch(const std::string &files);
  void begin();
  void end();
  // `"threads":[ns, …],"cpus":[[user, …], …],"ownCpuNs":n`: differences between begin and end.
  std::string json() const;

 private:
  struct Sample {
    std::vector<double> threads;
    std::vector<std::vector<double>> cpus;
    double own_cpu_ns = 0;
  };
  Sample take() const;

  std::vector<int> descriptors_;
  int stat_;
  Sample before_, after_;
};

}  // namespace bench
