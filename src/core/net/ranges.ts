/**
 * The whole space of addresses of one family, cut into ranges that each carry a value.
 *
 * Prefixes nest, ranges do not: the longest match for an address is the value of the one range it
 * lies in. Neighbours with equal values are one range, so the ranges of a value are as wide as can
 * be, and how far one reaches around an address is how far the value is constant. Keys are words
 * of 32 bits, the first the most significant: one for IPv4, four for IPv6.
 */
import type { Family } from './address.ts'

/** Words of a key. */
export type Words = 1 | 4

export const wordsOf = (family: Family): Words => (family === 4 ? 1 : 4)

export interface Ranges {
  readonly words: Words
  /** First address of each range, in order; the first range begins at zero. */
  readonly starts: Uint32Array
  /** A whole number from -2^31 for each range. */
  readonly values: Int32Array
}

/** Prefixes of one family, with a value each. */
export interface Prefixes {
  readonly words: Words
  /** First address of each; bits past its length are zero. */
  readonly starts: Uint32Array
  /** 0 to 32, or to 128. */
  readonly lengths: Uint8Array
  readonly values: Int32Array
}

/** Below, above or equal: one key against another, both in arrays of keys. */
export function compareKeys(
  words: number,
  one: Uint32Array,
  oneAt: number,
  other: Uint32Array,
  otherAt: number,
): number {
  for (let word = 0; word < words; word++) {
    const left = one[oneAt * words + word]!
    const right = other[otherAt * words + word]!
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

/** Collects ranges in order; equal neighbours become one. */
export class RangeList {
  readonly words: Words
  #starts: Uint32Array
  #values: Int32Array
  #count = 0

  constructor(words: Words, room = 1_024) {
    this.words = words
    this.#starts = new Uint32Array(room * words)
    this.#values = new Int32Array(room)
  }

  /** From the key at `at` on, `value` holds. A key given twice takes the later value. */
  add(keys: Uint32Array, at: number, value: number): void {
    const { words } = this
    let last = this.#count - 1
    if (last >= 0 && compareKeys(words, this.#starts, last, keys, at) === 0) {
      this.#count = last
      last--
    }
    if (last >= 0 && this.#values[last] === value) return
    if (this.#count === this.#values.length) this.#grow()
    for (let word = 0; word < words; word++)
      this.#starts[this.#count * words + word] = keys[at * words + word]!
    this.#values[this.#count++] = value
  }

  /** Ranges of another table, from one index up to another, as they are. */
  addAll(ranges: Ranges, from: number, to: number): void {
    if (from >= to) return
    this.add(ranges.starts, from, ranges.values[from]!)
    const count = to - from - 1
    while (this.#count + count > this.#values.length) this.#grow()
    const { words } = this
    this.#starts.set(ranges.starts.subarray((from + 1) * words, to * words), this.#count * words)
    this.#values.set(ranges.values.subarray(from + 1, to), this.#count)
    this.#count += count
  }

  /** What was collected; nothing is added afterwards. */
  done(): Ranges {
    const { words } = this
    // Of a list whose room was right nothing is copied.
    if (this.#count === this.#values.length)
      return { words, starts: this.#starts, values: this.#values }
    return {
      words,
      starts: this.#starts.slice(0, this.#count * words),
      values: this.#values.slice(0, this.#count),
    }
  }

  #grow(): void {
    const starts = new Uint32Array(this.#starts.length * 2)
    const values = new Int32Array(this.#values.length * 2)
    starts.set(this.#starts)
    values.set(this.#values)
    this.#starts = starts
    this.#values = values
  }
}

/** One value everywhere. */
export function uniform(words: Words, value: number): Ranges {
  return { words, starts: new Uint32Array(words), values: Int32Array.of(value) }
}

/** The order in which prefixes open: by first address, wider ones first, later ones last. */
function openingOrder({ words, starts, lengths }: Prefixes): Uint32Array {
  const order = new Uint32Array(lengths.length)
  for (let at = 0; at < order.length; at++) order[at] = at
  return order.sort(
    (one, other) =>
      compareKeys(words, starts, one, starts, other) ||
      lengths[one]! - lengths[other]! ||
      one - other,
  )
}

/** Writes the first address after a prefix; false where the space ends with it. */
function putEnd(prefixes: Prefixes, at: number, end: Uint32Array, endAt: number): boolean {
  const { words, starts, lengths } = prefixes
  const length = lengths[at]!
  for (let word = 0; word < words; word++) end[endAt * words + word] = starts[at * words + word]!
  if (length === 0) return false
  // One is added at the last bit of the prefix, and carried.
  let word = (length - 1) >> 5
  let step = 2 ** (31 - ((length - 1) & 31))
  for (; word >= 0; word--) {
    const sum = end[endAt * words + word]! + step
    end[endAt * words + word] = sum
    if (sum < 2 ** 32) return true
    step = 1
  }
  return false
}

/**
 * The ranges of prefixes, the longest match deciding; of equal prefixes the last one given.
 * `otherwise` is the value of what no prefix covers. O(n log n).
 */
export function rangesOf(prefixes: Prefixes, otherwise: number): Ranges {
  const { words, starts, lengths, values } = prefixes
  const list = new RangeList(words, lengths.length * 2 + 2)
  list.add(new Uint32Array(words), 0, otherwise)
  // Prefixes nest, so those that are open form a stack no deeper than there are lengths.
  const depthMax = words * 32 + 2
  const ends = new Uint32Array(depthMax * words)
  const endless = new Uint8Array(depthMax)
  const open = new Int32Array(depthMax)
  let depth = 0
  const under = () => (depth === 0 ? otherwise : open[depth - 1]!)
  const close = () => {
    depth--
    if (endless[depth] === 0) list.add(ends, depth, under())
  }
  let before = -1
  for (const at of openingOrder(prefixes)) {
    const isOpen = () =>
      endless[depth - 1] === 1 || compareKeys(words, ends, depth - 1, starts, at) > 0
    while (depth > 0 && !isOpen()) close()
    const isAgain =
      before >= 0 &&
      lengths[before] === lengths[at] &&
      compareKeys(words, starts, before, starts, at) === 0
    before = at
    if (isAgain) depth--
    endless[depth] = putEnd(prefixes, at, ends, depth) ? 0 : 1
    open[depth++] = values[at]!
    list.add(starts, at, values[at]!)
  }
  while (depth > 0) close()
  return list.done()
}

/** The index of the range that a key lies in. */
export function rangeAt({ words, starts, values }: Ranges, keys: Uint32Array, at: number): number {
  let low = 0
  let high = values.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (compareKeys(words, starts, middle, keys, at) <= 0) low = middle
    else high = middle
  }
  return low
}
