/**
 * SHA-1 (FIPS 180-4 section 6.1.2) of names, for NSEC3 on the threads that answer; for nothing else.
 *
 * It works in memory of its own and allocates nothing. A name has at most 255 octets, which with
 * their padding are five blocks.
 */
import { NAME_BYTES_MAX } from '../dns/names.ts'
import { HASH_WORDS } from './parts.ts'

const BLOCK_BYTES = 64
const BLOCK_WORDS = 16
const BLOCKS_MAX = Math.ceil((NAME_BYTES_MAX + 9) / BLOCK_BYTES)

const isUpper = (octet: number): boolean => octet >= 0x41 && octet <= 0x5a

export class NameHash {
  /** The last hash, the first octet highest in the first word. */
  readonly words = new Int32Array(HASH_WORDS)
  readonly #message = new Uint8Array(BLOCKS_MAX * BLOCK_BYTES)
  readonly #view = new DataView(this.#message.buffer)
  readonly #schedule = new Int32Array(80)

  /** Hashes the name of so many octets, letters in lower case (RFC 5155 section 5). */
  hash(view: DataView, at: number, length: number): void {
    const message = this.#message
    for (let octet = 0; octet < length; octet++) {
      const own = view.getUint8(at + octet)
      // Lengths of labels are below 'A'.
      message[octet] = isUpper(own) ? own | 0x20 : own
    }
    const blocks = (length + 9 + BLOCK_BYTES - 1) >> 6
    const end = blocks * BLOCK_BYTES
    message.fill(0, length, end)
    message[length] = 0x80
    this.#view.setUint32(end - 4, length * 8)
    const { words } = this
    words[0] = 0x67452301
    words[1] = 0xefcdab89
    words[2] = 0x98badcfe
    words[3] = 0x10325476
    words[4] = 0xc3d2e1f0
    for (let block = 0; block < blocks; block++) this.#block(block * BLOCK_BYTES)
  }

  #block(from: number): void {
    const { words } = this
    const w = this.#schedule
    for (let at = 0; at < BLOCK_WORDS; at++) w[at] = this.#view.getInt32(from + at * 4)
    for (let at = BLOCK_WORDS; at < 80; at++) {
      const mixed = w[at - 3]! ^ w[at - 8]! ^ w[at - 14]! ^ w[at - 16]!
      w[at] = (mixed << 1) | (mixed >>> 31)
    }
    let [a, b, c, d, e] = [words[0]!, words[1]!, words[2]!, words[3]!, words[4]!]
    for (let round = 0; round < 80; round++) {
      let mix: number
      if (round < 20) mix = ((b & c) | (~b & d)) + 0x5a827999
      else if (round < 40) mix = (b ^ c ^ d) + 0x6ed9eba1
      else if (round < 60) mix = ((b & c) | (b & d) | (c & d)) - 0x70e44324
      else mix = (b ^ c ^ d) - 0x359d3e2a
      const next = (((a << 5) | (a >>> 27)) + mix + e + w[round]!) | 0
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

/** Whether the five words at `a` come before those at `b`, as unsigned octets. */
export function isHashBefore(a: Int32Array, aAt: number, b: Int32Array, bAt: number): boolean {
  for (let word = 0; word < HASH_WORDS; word++) {
    const [left, right] = [a[aAt + word]! ^ 0x80000000, b[bAt + word]! ^ 0x80000000]
    if (left !== right) return left < right
  }
  return false
}
