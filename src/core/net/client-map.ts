/**
 * Which class an address belongs to, and how far around it that is so: what a DNS thread asks for
 * each query whose answer depends on the client.
 *
 * A table of ranges with an index over the first bits of a key, so that few steps of a binary
 * search are left. Both lie in shared memory and are never changed: a new map takes the place of an
 * old one whole. Looking up allocates nothing.
 */
import { copyOf, type Memory } from '../base/memory.ts'
import type { Family } from './address.ts'
import type { Ranges } from './ranges.ts'

/** One family in the form that is looked up. */
export interface ClientMapPart {
  readonly starts: Uint32Array
  readonly values: Int32Array
  /** `index[bucket]` is the range that the first key of a bucket lies in; one more at the end. */
  readonly index: Int32Array
  /** A bucket is (first word - base) >>> shift, cut to the ends of the index. */
  readonly base: number
  readonly shift: number
}

export interface ClientMapParts {
  readonly v4: ClientMapPart
  readonly v6: ClientMapPart
}

/** Buckets for each range: more of them cost memory, fewer cost steps. */
const BUCKETS_PER_RANGE = 2
const BUCKETS_MAX = 2 ** 21

function partOf({ words, starts, values }: Ranges, memory: Memory): ClientMapPart {
  const count = values.length
  const base = count > 1 ? starts[words]! : 0
  const span = (count > 1 ? starts[(count - 1) * words]! : 0) - base
  let shift = 0
  const most = Math.min(BUCKETS_MAX, Math.max(1, count * BUCKETS_PER_RANGE))
  while (Math.floor(span / 2 ** shift) + 1 > most) shift++
  const buckets = Math.floor(span / 2 ** shift) + 1
  const index = new Int32Array(memory((buckets + 1) * 4))
  let range = 0
  for (let bucket = 0; bucket < buckets; bucket++) {
    const first = base + bucket * 2 ** shift
    // The last range that begins at or before (first, 0, 0, 0).
    while (range + 1 < count && isAtMost(words, starts, range + 1, first)) range++
    index[bucket] = range
  }
  index[buckets] = count - 1
  const shared = new Uint32Array(memory(starts.byteLength))
  shared.set(starts)
  return { starts: shared, values: copyOf(values, memory), index, base, shift }
}

function isAtMost(words: number, starts: Uint32Array, range: number, first: number): boolean {
  const own = starts[range * words]!
  if (own !== first) return own < first
  for (let word = 1; word < words; word++) if (starts[range * words + word] !== 0) return false
  return true
}

/** Lays out the ranges of both families. */
export function clientMapParts(v4: Ranges, v6: Ranges, memory: Memory): ClientMapParts {
  return { v4: partOf(v4, memory), v6: partOf(v6, memory) }
}

export class ClientMap {
  /**
   * Of the address last looked up: bits of the widest prefix around it in which every address has
   * the same class (RFC 7871 section 7.2.1).
   */
  scope = 0
  /** Of the address last looked up: the index of its range. */
  range = 0
  readonly #v4: ClientMapPart
  readonly #v6: ClientMapPart

  constructor({ v4, v6 }: ClientMapParts) {
    this.#v4 = v4
    this.#v6 = v6
  }

  /** The class of an address whose bytes, 4 or 16 of them, begin at `at`. */
  classOf(family: Family, bytes: Uint8Array, at = 0): number {
    return family === 4 ? this.#find4(wordAt(bytes, at)) : this.#find6(bytes, at)
  }

  #find4(key: number): number {
    const { starts, values, index, base, shift } = this.#v4
    const bucket = key < base ? -1 : (key - base) >>> shift
    const last = index.length - 1
    let low = bucket < 0 ? 0 : index[bucket < last ? bucket : last]!
    let high = bucket < 0 ? index[0]! : index[bucket + 1 < last ? bucket + 1 : last]!
    // The range sought is in [low, high].
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (starts[middle]! <= key) low = middle
      else high = middle - 1
    }
    const left = low === 0 ? 0 : shared(key, starts[low]! - 1) + 1
    const right = low + 1 === values.length ? 0 : shared(key, starts[low + 1]!) + 1
    this.scope = left > right ? left : right
    this.range = low
    return values[low]!
  }

  #find6(bytes: Uint8Array, at: number): number {
    const { starts, values, index, base, shift } = this.#v6
    const [k0, k1] = [wordAt(bytes, at), wordAt(bytes, at + 4)]
    const [k2, k3] = [wordAt(bytes, at + 8), wordAt(bytes, at + 12)]
    const bucket = k0 < base ? -1 : (k0 - base) >>> shift
    const last = index.length - 1
    let low = bucket < 0 ? 0 : index[bucket < last ? bucket : last]!
    let high = bucket < 0 ? index[0]! : index[bucket + 1 < last ? bucket + 1 : last]!
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (isStarted(starts, middle * 4, k0, k1, k2, k3)) low = middle
      else high = middle - 1
    }
    const left = low === 0 ? 0 : sharedBefore(starts, low * 4, k0, k1, k2, k3) + 1
    const right = low + 1 === values.length ? 0 : shared6(starts, (low + 1) * 4, k0, k1, k2, k3) + 1
    this.scope = left > right ? left : right
    this.range = low
    return values[low]!
  }

  /** How many ranges a family has. */
  countOf(family: Family): number {
    return (family === 4 ? this.#v4 : this.#v6).values.length
  }

  /** The class of a range, by its index. */
  valueAt(family: Family, range: number): number {
    return (family === 4 ? this.#v4 : this.#v6).values[range]!
  }

  /** Bits of the widest prefix around an address that lies within the ranges from `first` on. */
  scopeAcross(family: Family, bytes: Uint8Array, first: number, last: number): number {
    const { starts, values } = family === 4 ? this.#v4 : this.#v6
    const k0 = wordAt(bytes, 0)
    const isLast = last + 1 === values.length
    if (family === 4) {
      const left = first === 0 ? 0 : shared(k0, starts[first]! - 1) + 1
      const right = isLast ? 0 : shared(k0, starts[last + 1]!) + 1
      return left > right ? left : right
    }
    const [k1, k2, k3] = [wordAt(bytes, 4), wordAt(bytes, 8), wordAt(bytes, 12)]
    const left = first === 0 ? 0 : sharedBefore(starts, first * 4, k0, k1, k2, k3) + 1
    const right = isLast ? 0 : shared6(starts, (last + 1) * 4, k0, k1, k2, k3) + 1
    return left > right ? left : right
  }
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

/** Leading bits that two words share; 32 when they are equal. */
const shared = (one: number, other: number): number => Math.clz32(one ^ other)

/** Whether the range at `at` begins at or before the key. */
function isStarted(
  starts: Uint32Array,
  at: number,
  k0: number,
  k1: number,
  k2: number,
  k3: number,
): boolean {
  const s0 = starts[at]!
  if (s0 !== k0) return s0 < k0
  const s1 = starts[at + 1]!
  if (s1 !== k1) return s1 < k1
  const s2 = starts[at + 2]!
  if (s2 !== k2) return s2 < k2
  return starts[at + 3]! <= k3
}

/** Leading bits that the key shares with the key at `at`. */
function shared6(
  starts: Uint32Array,
  at: number,
  k0: number,
  k1: number,
  k2: number,
  k3: number,
): number {
  const s0 = starts[at]!
  if (s0 !== k0) return shared(s0, k0)
  const s1 = starts[at + 1]!
  if (s1 !== k1) return 32 + shared(s1, k1)
  const s2 = starts[at + 2]!
  if (s2 !== k2) return 64 + shared(s2, k2)
  return 96 + shared(starts[at + 3]!, k3)
}

/** Leading bits that the key shares with the address just before the key at `at`. */
function sharedBefore(
  starts: Uint32Array,
  at: number,
  k0: number,
  k1: number,
  k2: number,
  k3: number,
): number {
  // One is taken away and borrowed across words that are zero.
  const s3 = starts[at + 3]!
  const b3 = (s3 - 1) >>> 0
  const s2 = starts[at + 2]!
  const b2 = s3 === 0 ? (s2 - 1) >>> 0 : s2
  const s1 = starts[at + 1]!
  const b1 = s3 === 0 && s2 === 0 ? (s1 - 1) >>> 0 : s1
  const s0 = starts[at]!
  const b0 = s3 === 0 && s2 === 0 && s1 === 0 ? (s0 - 1) >>> 0 : s0
  if (b0 !== k0) return shared(b0, k0)
  if (b1 !== k1) return 32 + shared(b1, k1)
  if (b2 !== k2) return 64 + shared(b2, k2)
  return 96 + shared(b3, k3)
}
