/**
 * A bounded table of fixed-width keys in typed arrays: open addressing, and eviction by clock hand.
 *
 * An entry is a small number that stays the same while the entry lives; whoever uses the table
 * keeps columns of its own by that number. The arrays grow by doubling up to the bound. Past it
 * the hand looks for an entry that was not touched since it last came by (the second-chance form
 * of "least recently used"), which is O(1) amortised. The hash is seeded: keys hold addresses that
 * clients choose.
 */

const FREE = 0
const IDLE = 1
const TOUCHED = 2
const FIRST_ENTRIES = 256

export class Slots {
  /** Write the key here, then call `find` or `put`. */
  readonly key: Uint32Array
  /** Entries given up for others since the start. */
  evicted = 0
  readonly #words: number
  readonly #max: number
  readonly #seed: number
  readonly #leave: (entry: number) => void
  #keys: Uint32Array
  /** Entry + 1 by slot; 0 where the slot is empty. */
  #index: Int32Array
  #marks: Uint8Array
  /** Entries that were given back, as a stack. */
  #free: Int32Array
  #freeCount = 0
  #used = 0
  #hand = 0
  #fresh = false

  /**
   * @param words 32-bit words of a key
   * @param max entries at most
   * @param leave called for an entry that is evicted, while its key can still be read
   */
  constructor(words: number, max: number, seed: number, leave: (entry: number) => void = () => {}) {
    this.#words = words
    this.#max = Math.max(1, max)
    this.#seed = seed | 0
    this.#leave = leave
    this.key = new Uint32Array(words)
    const entries = Math.min(this.#max, FIRST_ENTRIES)
    this.#keys = new Uint32Array(entries * words)
    this.#marks = new Uint8Array(entries)
    this.#free = new Int32Array(entries)
    this.#index = new Int32Array(slotsFor(entries))
  }

  get count(): number {
    return this.#used - this.#freeCount
  }

  /** Entries there is room for now: the length a column must have. */
  get capacity(): number {
    return this.#marks.length
  }

  /** One past the highest entry ever used: loops run to here and ask `isUsed`. */
  get high(): number {
    return this.#used
  }

  /** Whether the last `put` made its entry. */
  get isFresh(): boolean {
    return this.#fresh
  }

  get bytes(): number {
    const { byteLength: keys } = this.#keys
    return keys + this.#index.byteLength + this.#marks.byteLength + this.#free.byteLength
  }

  isUsed(entry: number): boolean {
    return entry < this.#used && this.#marks[entry] !== FREE
  }

  word(entry: number, at: number): number {
    return this.#keys[entry * this.#words + at]!
  }

  /** The entry of `key`, or -1. */
  find(): number {
    const mask = this.#index.length - 1
    for (let slot = this.#hashOf(this.key, 0) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#index[slot]! - 1
      if (entry < 0) return -1
      if (this.#isKey(entry)) return entry
    }
  }

  /** The entry of `key`, made where there is none; touched either way. */
  put(): number {
    const known = this.find()
    this.#fresh = known < 0
    const entry = known < 0 ? this.#make() : known
    this.#marks[entry] = TOUCHED
    return entry
  }

  remove(entry: number): void {
    this.#unlink(entry)
    this.#marks[entry] = FREE
    this.#free[this.#freeCount++] = entry
  }

  #make(): number {
    const entry = this.#take()
    this.#keys.set(this.key, entry * this.#words)
    const mask = this.#index.length - 1
    let slot = this.#hashOf(this.key, 0) & mask
    while (this.#index[slot] !== 0) slot = (slot + 1) & mask
    this.#index[slot] = entry + 1
    return entry
  }

  #take(): number {
    if (this.#freeCount > 0) return this.#free[--this.#freeCount]!
    if (this.#used === this.capacity && this.capacity < this.#max) this.#grow()
    if (this.#used < this.capacity) return this.#used++
    const entry = this.#victim()
    this.#leave(entry)
    this.evicted++
    this.#unlink(entry)
    return entry
  }

  /** Each step takes a mark away, so two rounds find one that has none. */
  #victim(): number {
    for (;;) {
      const entry = this.#hand
      this.#hand = (entry + 1) % this.#used
      if (this.#marks[entry] === IDLE) return entry
      this.#marks[entry] = IDLE
    }
  }

  /** Takes the entry out of the index and closes the gap, so that no probe ends too early. */
  #unlink(entry: number): void {
    const mask = this.#index.length - 1
    let gap = this.#hashOf(this.#keys, entry * this.#words) & mask
    while (this.#index[gap] !== entry + 1) gap = (gap + 1) & mask
    for (let slot = (gap + 1) & mask; this.#index[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashOf(this.#keys, (this.#index[slot]! - 1) * this.#words) & mask
      // Whether the home of this one lies outside the run from the gap to it.
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue
      this.#index[gap] = this.#index[slot]!
      gap = slot
    }
    this.#index[gap] = 0
  }

  #grow(): void {
    const entries = Math.min(this.#max, this.capacity * 2)
    this.#keys = grown(this.#keys, new Uint32Array(entries * this.#words))
    this.#marks = grown(this.#marks, new Uint8Array(entries))
    this.#free = grown(this.#free, new Int32Array(entries))
    this.#index = new Int32Array(slotsFor(entries))
    const mask = this.#index.length - 1
    for (let entry = 0; entry < this.#used; entry++) {
      let slot = this.#hashOf(this.#keys, entry * this.#words) & mask
      while (this.#index[slot] !== 0) slot = (slot + 1) & mask
      this.#index[slot] = entry + 1
    }
  }

  #isKey(entry: number): boolean {
    const from = entry * this.#words
    for (let at = 0; at < this.#words; at++)
      if (this.#keys[from + at] !== this.key[at]) return false
    return true
  }

  /** The mixing steps of MurmurHash3, a word at a time. */
  #hashOf(keys: Uint32Array, from: number): number {
    let hash = this.#seed
    for (let at = 0; at < this.#words; at++) {
      let word = Math.imul(keys[from + at]!, 0xcc9e2d51)
      word = Math.imul((word << 15) | (word >>> 17), 0x1b873593)
      hash ^= word
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return (hash ^ (hash >>> 16)) >>> 0
  }
}

/** A power of two, at most two thirds full. */
function slotsFor(entries: number): number {
  let slots = 16
  while (slots * 2 < entries * 3) slots *= 2
  return slots
}

type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | Float64Array

/** The larger array with what the smaller one held. */
export function grown<T extends Column>(from: T, into: T): T {
  into.set(from)
  return into
}
