/**
 * Writing LZW, identical bit for bit to what Go's compress/lzw writes; see lzw-codes.ts.
 */
import { CLEAR, CODE_LAST, END, WIDTH_MAX, WIDTH_MIN } from './lzw-codes.ts'

// Scratch of the writer: an open-addressed table from (code, octet) to code. A key holds the
// number of its generation in its high bits, so a new generation empties the table at no cost.
const SLOTS = 1 << 14
const GENERATIONS = 1 << 12
const keys = new Uint32Array(SLOTS)
const codes = new Uint16Array(SLOTS)
let generation = 0

/** A stamp that no key in the table bears. */
function nextGeneration(): number {
  generation++
  if (generation === GENERATIONS) {
    keys.fill(0)
    generation = 1
  }
  return generation
}

/** The slot of a key, or the free one where it belongs. */
function slotOf(key: number): number {
  let slot = Math.imul(key, 0x9e37_79b1) >>> 18
  while (keys[slot] !== key && keys[slot]! >>> 20 === generation) slot = (slot + 1) & (SLOTS - 1)
  return slot
}

/** Writes codes of growing width into octets. */
class CodeWriter {
  width = WIDTH_MIN
  /** The code assigned last, in step with the reader. */
  last = END
  #octets: Uint8Array
  #at = 0
  #bits = 0
  #bitCount = 0

  /** Every octet of input makes at most one code of 12 bits; clears, the end and the rest: 16. */
  constructor(inputBytes: number) {
    this.#octets = new Uint8Array(Math.ceil((inputBytes * WIDTH_MAX) / 8) + (inputBytes >> 9) + 16)
  }

  put(code: number): void {
    this.#bits |= code << this.#bitCount
    this.#bitCount += this.width
    while (this.#bitCount >= 8) {
      this.#octets[this.#at++] = this.#bits & 0xff
      this.#bits >>>= 8
      this.#bitCount -= 8
    }
  }

  /** Counts one more code as assigned; false when all were used up and a clear was written. */
  assign(): boolean {
    this.last++
    if (this.last === 1 << this.width) this.width++
    if (this.last < CODE_LAST) return true
    // The clear itself is written before the width falls back.
    this.put(CLEAR)
    this.width = WIDTH_MIN
    this.last = END
    return false
  }

  finish(): Uint8Array {
    if (this.#bitCount > 0) this.#octets[this.#at++] = this.#bits & 0xff
    return this.#octets.slice(0, this.#at)
  }
}

export function lzwEncode(plain: Uint8Array): Uint8Array {
  const out = new CodeWriter(plain.length)
  out.put(CLEAR)
  if (plain.length > 0) {
    let stamp = nextGeneration() << 20
    let code = plain[0]!
    for (let at = 1; at < plain.length; at++) {
      const octet = plain[at]!
      const key = (stamp | (code << 8) | octet) >>> 0
      const slot = slotOf(key)
      if (keys[slot] === key) {
        code = codes[slot]!
        continue
      }
      out.put(code)
      code = octet
      if (out.assign()) {
        keys[slot] = key
        codes[slot] = out.last
      } else stamp = nextGeneration() << 20
    }
    out.put(code)
    // The writer counts once more on closing, so the end code may be one bit wider.
    out.assign()
  }
  out.put(END)
  return out.finish()
}
