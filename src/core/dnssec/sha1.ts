/**
 * SHA-1 (FIPS 180-4 section 6.1.2) of names, for NSEC3 on the threads that answer and nothing else.
 *
 * It works in memory of its own and allocates nothing. A name has at most 255 octets, which with
 * their padding are five blocks.
 */
import { NAME_BYTES_MAX } from '../dns/names.ts'
import { HASH_WORDS } from './parts.ts'

const BLOCK_BYTES = 64
const BLOCK_WORDS = 16
const ROUNDS = 80
const BLOCKS_MAX = Math.ceil((NAME_BYTES_MAX + 9) / BLOCK_BYTES)

const isUpper = (octet: number): boolean => octet >= 0x41 && octet <= 0x5a

export class NameHash {
  /** The last hash, the first octet highest in the first word. */
  readonly words = new Int32Array(HASH_WORDS)
  readonly #message = new Uint8Array(BLOCKS_MAX * BLOCK_BYTES)
  readonly #view = new DataView(this.#message.buffer)
  readonly #schedule = new Int32Array(ROUNDS)

  /** Hashes the name of so many octets, letters in lower case (RFC 5155 section 5). */
  hash(view: DataView, at: number, length: number): void {
    const message = this.#message
    for (let octet = 0; octet < length; octet++) {
      const own = view.getUint8(at + octet)
      // Lengths of labels are below 'A'.
      message[octet] = isUpper(own) ? own | 0x20 : own
    }
    const end = ((length + 9 + BLOCK_BYTES - 1) >> 6) * BLOCK_BYTES
    message[length] = 0x80
    for (let octet = length + 1; octet < end - 2; octet++) message[octet] = 0
    // At most 255 octets, whose bits two octets count.
    this.#view.setUint16(end - 2, length << 3)
    const { words } = this
    words[0] = 0x67452301
    words[1] = 0xefcdab89
    words[2] = 0x98badcfe
    words[3] = 0x10325476
    words[4] = 0xc3d2e1f0
    for (let from = 0; from < end; from += BLOCK_BYTES) this.#block(from)
  }

  /**
   * One block. The rounds stand in pairs of loops with every sum cut to 32 bits, so that all of it
   * stays in integer registers.
   */
  #block(from: number): void {
    const { words } = this
    const view = this.#view
    const w = this.#schedule
    for (let at = 0; at < BLOCK_WORDS; at++) w[at] = view.getInt32(from + (at << 2))
    for (let at = BLOCK_WORDS; at < ROUNDS; at++) {
      const mixed = w[at - 3]! ^ w[at - 8]! ^ w[at - 14]! ^ w[at - 16]!
      w[at] = (mixed << 1) | (mixed >>> 31)
    }
    let a = words[0]!
    let b = words[1]!
    let c = words[2]!
    let d = words[3]!
    let e = words[4]!
    let next = 0
    for (let at = 0; at < 20; at++) {
      next = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + w[at]! + 0x5a827999) | 0
      e = d
      d = c
      c = (b << 30) | (b >>> 2)
      b = a
      a = next
    }
    for (let at = 20; at < 40; at++) {
      next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + w[at]! + 0x6ed9eba1) | 0
      e = d
      d = c
      c = (b << 30) | (b >>> 2)
      b = a
      a = next
    }
    for (let at = 40; at < 60; at++) {
      next = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + w[at]! - 0x70e44324) | 0
      e = d
      d = c
      c = (b << 30) | (b >>> 2)
      b = a
      a = next
    }
    for (let at = 60; at < ROUNDS; at++) {
      next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + w[at]! - 0x359d3e2a) | 0
      e = d
      d = c
      c = (b << 30) | (b >>> 2)
      b = a
      a = next
    }
    words[0] = (words[0]! + a) | 0
    words[1] = (words[1]! + b) | 0
    words[2] = (words[2]! + c) | 0
    words[3] = (words[3]! + d) | 0
    words[4] = (words[4]! + e) | 0
  }
}

/** Whether the five words at the start of `a` come before those at `bAt`, as unsigned octets. */
export function isHashBefore(a: Int32Array, b: Int32Array, bAt: number): boolean {
  for (let word = 0; word < HASH_WORDS; word++) {
    const left = a[word]!
    const right = b[bAt + word]!
    if (left !== right) return left >>> 0 < right >>> 0
  }
  return false
}
