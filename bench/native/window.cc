#include "window.h"

#include <arpa/inet.h>
#include <cstdio>
#include <cstring>

#include "watch.h"

namespace bench {
namespace {

// Ten thousand times a round trip on loopback: what is not back by then was dropped.
constexpr uint64_t kExpireEveryNs = 50000000;

uint32_t bits_for(uint32_t size) {
  uint32_t bits = 0;
  while ((1u << bits) < size) bits++;
  return bits;
}

}  // namespace

Window::Window(const Plan &plan)
    : plan_(plan), size_(plan.window), slot_bits_(bits_for(plan.window)), slots_(plan.window),
      seen_(kAddressesMax, 0), random_(plan.seed) {
  for (uint32_t slot = size_; slot-- > 0;) free_.push_back(slot);
  for (const Kind &kind : plan.kinds) shares_ += kind.share();
}

const Kind *Window::draw() {
  if (plan_.kinds.size() == 1) return &plan_.kinds[0];
  uint32_t left = random_.below(shares_);
  for (const Kind &kind : plan_.kinds) {
    if (left < kind.share()) return &kind;
    left -= kind.share();
  }
  return &plan_.kinds.back();
}

uint8_t *Window::ask(const Kind *kind, uint64_t at_ns) {
  const uint32_t at = free_.back();
  free_.pop_back();
  Slot &slot = slots_[at];
  slot.kind = kind;
  slot.at_ns = at_ns;
  slot.generation++;
  slot.index = kind->write(slot.packet, random_);
  // The id holds the slot, and above it a count that tells a late answer from one awaited.
  const uint16_t id = htons(uint16_t(at | uint32_t(slot.generation) << slot_bits_));
  std::memcpy(slot.packet, &id, 2);
  tally_.asked++;
  tally_.query_bytes += kind->length();
  return slot.packet;
}

bool Window::take(const uint8_t *answer, uint32_t length, uint64_t at_ns) {
  const uint32_t id = length < 12 ? 0 : uint32_t(answer[0]) << 8 | answer[1];
  const uint32_t at = id & ((1u << slot_bits_) - 1);
  if (length < 12 || at >= size_ || slots_[at].kind == nullptr ||
      std::memcmp(slots_[at].packet, answer, 2) != 0) {
    tally_.strays++;
    return false;
  }
  Slot &slot = slots_[at];
  const Verdict verdict = plan_.echo
      ? slot.kind->check_echo(slot.packet, answer, length)
      : slot.kind->check(slot.packet, slot.index, answer, length, &seen_);
  if (!ended_) {
    if (verdict == Verdict::kRight) tally_.answered++;
    tally_.bytes += length;
    latency_.add(at_ns > slot.at_ns ? at_ns - slot.at_ns : 0);
  } else if (verdict == Verdict::kRight) {
    tally_.drained++;
  }
  if (verdict != Verdict::kRight) tally_.wrong++, tally_.wrong_by[int(verdict)]++;
  slot.kind = nullptr;
  free_.push_back(at);
  return true;
}

void Window::expire(uint64_t now) {
  for (uint32_t at = 0; at < size_; at++) {
    Slot &slot = slots_[at];
    if (slot.kind == nullptr || now < slot.at_ns + plan_.patience_ns) continue;
    tally_.lost++;
    slot.kind = nullptr;
    free_.push_back(at);
  }
}

std::string Window::json() const {
  uint32_t addresses = 0;
  for (const uint8_t one : seen_) addresses += one;
  char text[1024];
  const uint64_t replies = tally_.answered + tally_.wrong;
  std::snprintf(text, sizeof(text),
                "\"asked\":%llu,\"answered\":%llu,\"drained\":%llu,\"wrong\":%llu,\"wrongBy\":{\"notAnAnswer\":%llu,"
                "\"question\":%llu,\"rcode\":%llu,\"data\":%llu},\"strays\":%llu,\"lost\":%llu,"
                "\"skipped\":%llu,\"meanBytes\":%.2f,\"meanQueryBytes\":%.2f,"
                "\"addresses\":%u,\"latencyNs\":{\"p50\":%llu,"
                "\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,\"max\":%llu}",
                (unsigned long long)tally_.asked, (unsigned long long)tally_.answered,
                (unsigned long long)tally_.drained, (unsigned long long)tally_.wrong, (unsigned long long)tally_.wrong_by[1],
                (unsigned long long)tally_.wrong_by[2], (unsigned long long)tally_.wrong_by[3],
                (unsigned long long)tally_.wrong_by[4], (unsigned long long)tally_.strays,
                (unsigned long long)tally_.lost, (unsigned long long)tally_.skipped,
                replies > 0 ? double(tally_.bytes) / double(replies) : 0,
                tally_.asked > 0 ? double(tally_.query_bytes) / double(tally_.asked) : 0, addresses,
                (unsigned long long)latency_.at(0.5), (unsigned long long)latency_.at(0.9),
                (unsigned long long)latency_.at(0.99), (unsigned long long)latency_.at(0.999),
                (unsigned long long)latency_.max());
  return text;
}

Phases::Phases(const Plan &plan, Window &window, Watch &watch)
    : plan_(plan), window_(window), watch_(watch), started_at_(now_ns()),
      begin_at_(started_at_ + uint64_t(plan.warmup_seconds * 1e9)),
      end_at_(begin_at_ + uint64_t(plan.seconds * 1e9)) {}

bool Phases::turn(uint64_t now) {
  if (begun_ && !ended_ && !moved_) idle_ns_ += now - turned_at_;
  turned_at_ = now;
  if (!begun_ && now >= begin_at_) {
    begun_ = true;
    window_.begin();
    watch_.begin();
    begun_at_ = now_ns();
  }
  if (!ended_ && now >= end_at_) {
    ended_ = true;
    watch_.end();
    ended_at_ = now_ns();
    window_.end();
  }
  if (now >= expired_at_ + kExpireEveryNs) {
    window_.expire(now);
    expired_at_ = now;
  }
  return !ended_ || (window_.outstanding() > 0 && now < end_at_ + 2 * plan_.patience_ns);
}

bool Phases::due(uint64_t now, uint64_t *due_at_ns) {
  const uint64_t at = started_at_ + uint64_t(double(dues_) * 1e9 / plan_.rate);
  if (at > now) return false;
  dues_++;
  *due_at_ns = at;
  return true;
}

}  // namespace bench
