// A load of DNS questions over loopback, every answer checked, counted by one line of JSON.
//
// usage: generator key=value… ; the keys are those of Plan, `kind` may be given several times. With
// a rate it asks at that rate, and latency counts from when a question was due; without one it
// keeps a window of questions on the way. It spins and never sleeps, so that the server never pays
// for waking it: give it a processor of its own.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "watch.h"
#include "window.h"

namespace {

bool read_word(const std::string &word, bench::Plan *plan) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos) return false;
  const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
  const double number = std::strtod(value.c_str(), nullptr);
  const auto count = uint32_t(number);
  if (key == "address") plan->address = value;
  else if (key == "port") plan->port = int(number);
  else if (key == "transport") plan->tcp = value == "tcp";
  else if (key == "echo") plan->echo = number != 0;
  else if (key == "seconds") plan->seconds = number;
  else if (key == "warmup") plan->warmup_seconds = number;
  else if (key == "rate") plan->rate = number;
  else if (key == "patience") plan->patience_ns = uint64_t(number * 1e9);
  else if (key == "window") plan->window = count;
  else if (key == "segments") plan->segments = count;
  else if (key == "prefixes") plan->prefixes = count;
  else if (key == "clients") plan->clients = value;
  else if (key == "connections") plan->connections = count;
  else if (key == "seed") plan->seed = uint64_t(number);
  else if (key == "watch") plan->watched = value;
  else if (key == "kind") {
    bench::Kind kind;
    if (!kind.parse(value)) return false;
    plan->kinds.push_back(kind);
  } else return false;
  return true;
}

}  // namespace

int main(int count, char **words) {
  bench::Plan plan;
  for (int at = 1; at < count; at++) {
    if (read_word(words[at], &plan)) continue;
    std::fprintf(stderr, "generator: cannot read %s\n", words[at]);
    return 2;
  }
  // The id of a question has 16 bits, of which four tell generations apart.
  if (plan.kinds.empty() || plan.window == 0 || plan.window > 4096 || plan.prefixes == 0 ||
      plan.prefixes > 16384 || plan.connections == 0) {
    std::fprintf(stderr, "generator: needs kinds, a window of 1 to 4096, 1 to 16384 prefixes\n");
    return 2;
  }
  bench::Window window(plan);
  bench::Watch watch(plan.watched);
  bench::Phases phases(plan, window, watch);
  const int code = plan.tcp ? bench::run_tcp(plan, window, phases)
                            : bench::run_udp(plan, window, phases);
  if (code != 0) return code;
  std::printf("{\"seconds\":%.6f,\"idleShare\":%.4f,%s,%s}\n", phases.seconds(),
              phases.idle_share(), window.json().c_str(), watch.json().c_str());
  return 0;
}
