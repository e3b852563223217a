// The questions a load is made of, and the check of every answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

constexpr size_t kQueryMax = 192;
constexpr uint32_t kAddressesMax = 1 << 16;
constexpr uint32_t kNamesMax = 1 << 20;

// xorshift: the load needs variety, not secrecy, and the same seed gives the same load.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  uint32_t below(uint32_t bound) { return uint32_t((next() >> 32) * bound >> 32); }

 private:
  uint64_t state_;
};

enum class Verdict { kRight, kNotAnswer, kWrongQuestion, kWrongRcode, kWrongData };

// One sort of question. Written `share;pattern;size;type;flags;rcode;answers;base;count`: a run of
// `#` in the pattern is an index below size, a run of `?` random letters; flags are any of e (EDNS),
// d (DO), s (client subnet), z (the subnet is one of 65,536, by Zipf's law), c (client cookie), m
// (mixed case), i (the address is base + index), p (the authority holds a denial and its
// signatures: four records at least), k (the answer holds the client's cookie and a server cookie of
// 16 octets beside it); the answer holds `answers` A records, each of [base, base +
// count).
class Kind {
 public:
  bool parse(const std::string &text);
  uint32_t share() const { return share_; }
  uint32_t length() const { return uint32_t(packet_.size()); }
  // Writes the packet but for its id; gives back the index drawn.
  uint32_t write(uint8_t *out, Random &random) const;
  Verdict check(const uint8_t *query, uint32_t index, const uint8_t *answer, uint32_t length,
                std::vector<uint8_t> *seen) const;
  // The same without what only a real server can know.
  Verdict check_echo(const uint8_t *query, const uint8_t *answer, uint32_t length) const;

 private:
  void compile(const std::string &pattern);
  bool cookie_holds(const uint8_t *query, const uint8_t *answer, uint32_t length) const;
  bool data_holds(uint32_t index, const uint8_t *answer, uint32_t length,
                  std::vector<uint8_t> *seen) const;

  uint32_t share_ = 1, size_ = 1, type_ = 1, rcode_ = 0, answers_ = 0, base_ = 0, count_ = 0;
  bool edns_ = false, dnssec_ = false, subnet_ = false, zipf_ = false, cookie_ = false, mixed_ = false;
  bool by_index_ = false, proven_ = false, baked_ = false;
  std::vector<uint8_t> packet_;
  size_t question_end_ = 0, digits_at_ = 0, digits_ = 0, letters_at_ = 0, letters_ = 0;
  size_t subnet_at_ = 0, cookie_at_ = 0;
};

}  // namespace bench
