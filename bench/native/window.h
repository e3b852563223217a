// What is on the way: a bounded set of questions, each waiting for its answer, and the tally.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "histogram.h"
#include "query.h"

namespace bench {

inline uint64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return uint64_t(now.tv_sec) * 1000000000u + uint64_t(now.tv_nsec);
}

struct Plan {
  std::string address = "127.0.0.1";
  int port = 0;
  bool tcp = false;
  // Answers come from the echo: only what it can know is checked.
  bool echo = false;
  double seconds = 1, warmup_seconds = 0;
  // A question unanswered for so long is lost.
  uint64_t patience_ns = 300000000;
  // Queries a second; 0 asks as fast as answers come.
  double rate = 0;
  uint32_t window = 192;
  // Datagrams handed to the kernel as one, of one client; see UDP_SEGMENT in udp(7).
  uint32_t segments = 16;
  // Client networks of 256 addresses each.
  uint32_t prefixes = 4096;
  // Where they begin.
  std::string clients = "127.64.0.0";
  uint32_t connections = 16;
  uint64_t seed = 1;
  std::vector<Kind> kinds;
  std::string watched;
};

class Window {
 public:
  explicit Window(const Plan &plan);

  uint32_t free() const { return uint32_t(free_.size()); }
  uint32_t outstanding() const { return size_ - free(); }
  // Draws the kind of the next question.
  const Kind *draw();
  // Writes one more question, taken to be asked at `at_ns`; its slot is its own until answered.
  uint8_t *ask(const Kind *kind, uint64_t at_ns);
  // Takes an answer; false where it belongs to no question on the way.
  bool take(const uint8_t *answer, uint32_t length, uint64_t at_ns);
  // Gives up what has waited for too long.
  void expire(uint64_t now);
  // Forgets what was counted; what is on the way stays.
  void begin() { tally_ = {}, latency_.clear(), seen_.assign(seen_.size(), 0); }
  // After the end losses count, and what still comes counts apart.
  void end() { ended_ = true; }
  // A question for which there was no room: the server is far behind the rate asked for.
  void skip() { tally_.skipped++; }
  std::string json() const;

 private:
  struct Slot {
    uint64_t at_ns = 0;
    const Kind *kind = nullptr;
    uint32_t index = 0;
    uint16_t generation = 0;
    uint8_t packet[kQueryMax];
  };
  struct Tally {
    uint64_t asked = 0, answered = 0, wrong = 0, strays = 0, lost = 0, skipped = 0, bytes = 0, drained = 0,
             query_bytes = 0;
    uint64_t wrong_by[5] = {};
  };

  const Plan &plan_;
  uint32_t size_, slot_bits_;
  uint32_t shares_ = 0;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  std::vector<uint8_t> seen_;
  Random random_;
  Tally tally_;
  Histogram latency_;
  bool ended_ = false;
};

class Watch;

// The phases of a round, by the clock.
class Phases {
 public:
  Phases(const Plan &plan, Window &window, Watch &watch);
  // False when the drain is over.
  bool turn(uint64_t now);
  bool asking() const { return !ended_; }
  double seconds() const { return double(ended_at_ - begun_at_) / 1e9; }
  // The share of the measured time in which there was nothing to send or to take: what the
  // generator could have done beyond what it did.
  double idle_share() const { return double(idle_ns_) / double(ended_at_ - begun_at_); }
  // Told after each turn whether it moved anything.
  void turned(bool moved) { moved_ = moved; }
  // Questions due by now under a rate, and when the next of them was due.
  bool due(uint64_t now, uint64_t *due_at_ns);

 private:
  const Plan &plan_;
  Window &window_;
  Watch &watch_;
  uint64_t started_at_, begin_at_, end_at_, begun_at_ = 0, ended_at_ = 0, expired_at_ = 0;
  uint64_t dues_ = 0, turned_at_ = 0, idle_ns_ = 0;
  bool begun_ = false, ended_ = false, moved_ = true;
};

// Each runs the whole plan: warm-up, the measured seconds between begin and end, and a drain.
int run_udp(const Plan &plan, Window &window, Phases &phases);
int run_tcp(const Plan &plan, Window &window, Phases &phases);

}  // namespace bench
