// Latencies by their logarithm: 64 steps to each doubling, so that a percentile is off by at most
// 1.6 %, whatever the range.
#pragma once

#include <cstdint>
#include <cstring>

namespace bench {

class Histogram {
 public:
  void add(uint64_t ns) {
    counts_[slot_of(ns)]++;
    total_++;
    if (ns > max_) max_ = ns;
  }
  void clear() {
    std::memset(counts_, 0, sizeof(counts_));
    total_ = max_ = 0;
  }
  uint64_t max() const { return max_; }
  // The upper edge of the step in which the given share of all values is reached.
  uint64_t at(double share) const {
    if (total_ == 0) return 0;
    const double wanted = share * double(total_);
    uint64_t seen = 0;
    for (int slot = 0; slot < kSlots; slot++) {
      seen += counts_[slot];
      if (double(seen) >= wanted && seen > 0) return edge_of(slot) < max_ ? edge_of(slot) : max_;
    }
    return max_;
  }

 private:
  static constexpr int kStepBits = 6;
  static constexpr int kSteps = 1 << kStepBits;
  // Up to 2^40 ns, eighteen minutes; what is longer counts as that.
  static constexpr int kSlots = (41 - kStepBits) * kSteps;

  static int slot_of(uint64_t ns) {
    if (ns < kSteps) return int(ns);
    const int exponent = 63 - __builtin_clzll(ns);
    if (exponent >= 40) return kSlots - 1;
    const int shift = exponent - kStepBits;
    return (shift + 1) * kSteps + int((ns >> shift) & (kSteps - 1));
  }
  static uint64_t edge_of(int slot) {
    if (slot < kSteps) return uint64_t(slot);
    const int shift = slot / kSteps - 1;
    return ((uint64_t(slot % kSteps) + kSteps + 1) << shift) - 1;
  }

  uint64_t counts_[kSlots] = {};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

}  // namespace bench
