#include "query.h"

#include <arpa/inet.h>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace bench {
namespace {

constexpr size_t kHeader = 12;
// SOA, a record that denies, and a signature of each.
constexpr uint32_t kProofMin = 4;
constexpr uint32_t kOpt = 41;
// RFC 7873 option, and the length of a client's and a server's cookie of RFC 9018.
constexpr uint32_t kCookie = 10, kCookieBytes = 8 + 16;

std::vector<std::string> fields_of(const std::string &text) {
  std::vector<std::string> fields;
  size_t from = 0;
  for (;;) {
    const size_t to = text.find(';', from);
    fields.push_back(text.substr(from, to - from));
    if (to == std::string::npos) return fields;
    from = to + 1;
  }
}

// Past the name at `at`, or 0 where there is none.
uint32_t skip_name(const uint8_t *message, uint32_t length, uint32_t at) {
  while (at < length) {
    const uint8_t octet = message[at];
    if (octet == 0) return at + 1;
    if (octet >= 0xc0) return at + 2 <= length ? at + 2 : 0;
    at += 1u + octet;
  }
  return 0;
}

uint32_t u16(const uint8_t *at) { return uint32_t(at[0]) << 8 | at[1]; }
uint32_t u32(const uint8_t *at) { return u16(at) << 16 | u16(at + 2); }

}  // namespace

bool Kind::parse(const std::string &text) {
  const auto fields = fields_of(text);
  if (fields.size() != 9) return false;
  const auto number = [&](size_t at) { return uint32_t(std::strtoul(fields[at].c_str(), nullptr, 10)); };
  share_ = number(0);
  size_ = number(2) > 0 ? number(2) : 1;
  type_ = number(3);
  const auto flag = [&](char letter) { return fields[4].find(letter) != std::string::npos; };
  edns_ = flag('e');
  dnssec_ = flag('d');
  subnet_ = flag('s');
  zipf_ = flag('z');
  cookie_ = flag('c');
  mixed_ = flag('m');
  by_index_ = flag('i');
  proven_ = flag('p');
  baked_ = flag('k') && cookie_;
  rcode_ = number(5);
  answers_ = number(6);
  count_ = number(8);
  in_addr base{};
  if (answers_ > 0 && inet_pton(AF_INET, fields[7].c_str(), &base) != 1) return false;
  base_ = ntohl(base.s_addr);
  compile(fields[1]);
  return packet_.size() <= kQueryMax && count_ <= (by_index_ ? kNamesMax : kAddressesMax);
}

void Kind::compile(const std::string &pattern) {
  packet_ = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, uint8_t(edns_ ? 1 : 0)};
  size_t from = 0;
  while (from < pattern.size()) {
    size_t to = pattern.find('.', from);
    if (to == std::string::npos) to = pattern.size();
    packet_.push_back(uint8_t(to - from));
    for (size_t at = from; at < to; at++) {
      if (pattern[at] == '#' && digits_++ == 0) digits_at_ = packet_.size();
      if (pattern[at] == '?' && letters_++ == 0) letters_at_ = packet_.size();
      packet_.push_back(uint8_t(pattern[at]));
    }
    from = to + 1;
  }
  const auto put = [&](std::initializer_list<int> bytes) {
    for (const int byte : bytes) packet_.push_back(uint8_t(byte));
  };
  put({0, int(type_ >> 8), int(type_ & 255), 0, 1});
  question_end_ = packet_.size();
  if (!edns_) return;
  const int options = (subnet_ ? 11 : 0) + (cookie_ ? 12 : 0);
  put({0, 0, 41, 4, 208, 0, 0, dnssec_ ? 128 : 0, 0, 0, options});
  // Options of RFC 7871 and RFC 7873; the last octet of the subnet and the cookie vary.
  if (subnet_) put({0, 8, 0, 7, 0, 1, 24, 0, 198, 18, 0});
  subnet_at_ = packet_.size() - 1;
  if (cookie_) put({0, 10, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0});
  cookie_at_ = packet_.size() - 8;
}

uint32_t Kind::write(uint8_t *out, Random &random) const {
  std::memcpy(out, packet_.data(), packet_.size());
  uint32_t index = 0;
  if (digits_ > 0) {
    index = random.below(size_);
    uint32_t rest = index;
    for (size_t at = digits_; at-- > 0; rest /= 10) out[digits_at_ + at] = uint8_t('0' + rest % 10);
  }
  uint64_t bits = 0;
  for (size_t at = 0; at < letters_; at++) {
    if (at % 12 == 0) bits = random.next();
    out[letters_at_ + at] = uint8_t("abcdefghijklmnopqrstuvwxyz234567"[bits & 31]);
    bits >>= 5;
  }
  if (zipf_) {
    // The power of a number drawn evenly has a rank by Zipf's law; an odd factor scatters ranks,
    // as bench/support/hotpath/places.ts does.
    const double drawn = double(random.next() >> 11) / double(1ull << 53);
    const uint32_t network = uint32_t(std::exp2(16 * drawn) - 1) * 40503;
    out[subnet_at_ - 1] = uint8_t(network >> 8);
    out[subnet_at_] = uint8_t(network);
  } else if (subnet_) {
    out[subnet_at_] = uint8_t(random.next() >> 40);
  }
  if (cookie_) {
    bits = random.next();
    std::memcpy(out + cookie_at_, &bits, 8);
  }
  if (mixed_) {
    bits = random.next();
    for (size_t at = kHeader; at + 5 < question_end_; at++, bits = bits >> 1 | bits << 63)
      if (out[at] >= 'a' && out[at] <= 'z') out[at] ^= uint8_t((bits & 1) << 5);
  }
  return index;
}

Verdict Kind::check_echo(const uint8_t *query, const uint8_t *answer, uint32_t length) const {
  if (length < question_end_ || (answer[2] & 0x80) == 0) return Verdict::kNotAnswer;
  const bool same = std::memcmp(query + kHeader, answer + kHeader, question_end_ - kHeader) == 0;
  return same && u16(answer + 4) == 1 ? Verdict::kRight : Verdict::kWrongQuestion;
}

Verdict Kind::check(const uint8_t *query, uint32_t index, const uint8_t *answer, uint32_t length,
                    std::vector<uint8_t> *seen) const {
  const Verdict echoed = check_echo(query, answer, length);
  if (echoed != Verdict::kRight) return echoed;
  if ((answer[3] & 15) != int(rcode_)) return Verdict::kWrongRcode;
  // TC would mean that the client has to ask again.
  if ((answer[2] & 2) != 0 || (edns_ && u16(answer + 10) == 0)) return Verdict::kWrongData;
  if (proven_ && u16(answer + 8) < kProofMin) return Verdict::kWrongData;
  if (baked_ && !cookie_holds(query, answer, length)) return Verdict::kWrongData;
  return data_holds(index, answer, length, seen) ? Verdict::kRight : Verdict::kWrongData;
}

bool Kind::cookie_holds(const uint8_t *query, const uint8_t *answer, uint32_t length) const {
  uint32_t at = uint32_t(question_end_);
  const uint32_t records = u16(answer + 6) + u16(answer + 8) + u16(answer + 10);
  for (uint32_t record = 0; record < records; record++) {
    at = skip_name(answer, length, at);
    if (at == 0 || at + 10 > length) return false;
    const uint32_t type = u16(answer + at), end = at + 10 + u16(answer + at + 8);
    if (end > length) return false;
    at += 10;
    while (type == kOpt && at + 4 <= end) {
      const uint32_t code = u16(answer + at), size = u16(answer + at + 2);
      if (at + 4 + size > end) return false;
      if (code == kCookie)
        return size == kCookieBytes && std::memcmp(answer + at + 4, query + cookie_at_, 8) == 0;
      at += 4 + size;
    }
    at = end;
  }
  return false;
}

bool Kind::data_holds(uint32_t index, const uint8_t *answer, uint32_t length,
                      std::vector<uint8_t> *seen) const {
  uint32_t at = uint32_t(question_end_), addresses = 0;
  for (uint32_t record = u16(answer + 6); record > 0; record--) {
    at = skip_name(answer, length, at);
    if (at == 0 || at + 10 > length) return false;
    const uint32_t type = u16(answer + at), size = u16(answer + at + 8);
    at += 10;
    if (at + size > length) return false;
    if (type == 1 && size == 4) {
      const uint32_t offset = u32(answer + at) - base_;
      if (offset >= count_ || (by_index_ && offset != index)) return false;
      if (!by_index_) (*seen)[offset] = 1;
      addresses++;
    }
    at += size;
  }
  return addresses == answers_;
}

}  // namespace bench
