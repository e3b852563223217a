/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) in halves of 32 bits, without allocation.
 *
 * The server cookies of RFC 9018 are made with it. 64-bit integers of JavaScript would allocate
 * with every operation; halves stay in registers.
 */

/** 1 when the 32-bit sum of two halves carries. */
const carry = (a: number, b: number, sum: number): number => ((a & b) | ((a | b) & ~sum)) >>> 31

/** Rounds after each word, and at the end. */
const WORD_ROUNDS = 2
const LAST_ROUNDS = 4

/**
 * Hashes `length` octets of `message` under a key of four 32-bit words (its octets, the lowest
 * first). Behind the length `message` must have zeros up to the next multiple of eight octets, and
 * eight more when the length is such a multiple. Writes the low and the high half.
 *
 * `a` is the low and `A` the high half of v0 in the paper, and so on to `d` and `D` for v3. Where
 * the paper turns v0 or v2 by 32 bits, the halves are written crosswise.
 */
export function siphash24(
  key: Int32Array,
  message: DataView,
  length: number,
  out: Int32Array,
): void {
  let a = key[0]! ^ 0x70736575
  let A = key[1]! ^ 0x736f6d65
  let b = key[2]! ^ 0x6e646f6d
  let B = key[3]! ^ 0x646f7261
  let c = key[0]! ^ 0x6e657261
  let C = key[1]! ^ 0x6c796765
  let d = key[2]! ^ 0x79746573
  let D = key[3]! ^ 0x74656462
  const last = length & ~7
  for (let at = 0; at <= last + 8; at += 8) {
    const ending = at > last
    // The last word holds what is left of the message, and the length in its highest octet.
    const m = ending ? 0 : message.getInt32(at, true)
    const M = ending ? 0 : message.getInt32(at + 4, true) | (at === last ? length << 24 : 0)
    if (ending) c ^= 0xff
    d ^= m
    D ^= M
    for (let round = ending ? LAST_ROUNDS : WORD_ROUNDS; round > 0; round--) {
      let sum = (a + b) | 0
      a = (A + B + carry(a, b, sum)) | 0
      A = sum
      let turned = ((b << 13) | (B >>> 19)) ^ A
      B = ((B << 13) | (b >>> 19)) ^ a
      b = turned
      sum = (c + d) | 0
      C = (C + D + carry(c, d, sum)) | 0
      c = sum
      turned = ((d << 16) | (D >>> 16)) ^ c
      D = ((D << 16) | (d >>> 16)) ^ C
      d = turned
      sum = (a + d) | 0
      A = (A + D + carry(a, d, sum)) | 0
      a = sum
      turned = ((d << 21) | (D >>> 11)) ^ a
      D = ((D << 21) | (d >>> 11)) ^ A
      d = turned
      sum = (c + b) | 0
      c = (C + B + carry(c, b, sum)) | 0
      C = sum
      turned = ((b << 17) | (B >>> 15)) ^ C
      B = ((B << 17) | (b >>> 15)) ^ c
      b = turned
    }
    a ^= m
    A ^= M
  }
  out[0] = a ^ b ^ c ^ d
  out[1] = A ^ B ^ C ^ D
}
