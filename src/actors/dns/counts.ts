/**
 * Counters a query increments: typed arrays, no objects, few cache lines.
 *
 * Most pairs of a domain and a kind of answer never occur, so those that do lie in an
 * open-addressed table, whose size changes only with what is served.
 */

const EMPTY = -1
/** A table this full is emptied into the metrics before the next new key. */
const FULLEST = 0.75

export class KeyedCounts {
  /** Pairs of key and count, open addressing with linear probing. */
  #pairs: Int32Array
  readonly #shift: number
  readonly #most: number
  #used = 0

  /** Room for about so many keys at once. */
  constructor(keys: number) {
    let bits = 10
    while (2 ** bits < keys * 2 && bits < 24) bits++
    this.#shift = 32 - bits
    this.#most = Math.floor(2 ** bits * FULLEST)
    this.#pairs = new Int32Array(2 ** (bits + 1)).fill(EMPTY)
  }

  /** Counts one more of a key, a whole number from 0; false when there is no room for a new key. */
  add(key: number): boolean {
    const pairs = this.#pairs
    const mask = (pairs.length >> 1) - 1
    for (let slot = Math.imul(key, 0x9e3779b1) >>> this.#shift; ; slot = (slot + 1) & mask) {
      const found = pairs[slot * 2]!
      if (found === key) {
        pairs[slot * 2 + 1]!++
        return true
      }
      if (found !== EMPTY) continue
      if (this.#used >= this.#most) return false
      this.#used++
      pairs[slot * 2] = key
      pairs[slot * 2 + 1] = 1
      return true
    }
  }

  /** Hands over every count and sets it to zero; the keys stay. */
  drain(take: (key: number, count: number) => void): void {
    const pairs = this.#pairs
    for (let at = 0; at < pairs.length; at += 2) {
      const count = pairs[at + 1]! >>> 0
      if (pairs[at] === EMPTY || count === 0) continue
      pairs[at + 1] = 0
      take(pairs[at]!, count)
    }
  }

  /** Forgets all keys. */
  clear(): void {
    this.#pairs.fill(EMPTY)
    this.#used = 0
  }
}

/** Times of single queries, kept until they are looked at. */
export class Samples {
  readonly #keys: Int32Array
  readonly #seconds: Float64Array
  #count = 0

  constructor(most: number) {
    this.#keys = new Int32Array(most)
    this.#seconds = new Float64Array(most)
  }

  get full(): boolean {
    return this.#count === this.#keys.length
  }

  /** Keeps one more; ignored when full. */
  add(key: number, seconds: number): void {
    if (this.full) return
    this.#keys[this.#count] = key
    this.#seconds[this.#count++] = seconds
  }

  drain(take: (key: number, seconds: number) => void): void {
    for (let at = 0; at < this.#count; at++) take(this.#keys[at]!, this.#seconds[at]!)
    this.#count = 0
  }
}
