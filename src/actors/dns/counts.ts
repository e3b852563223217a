/**
 * Counters a query increments: words of memory that another thread may read at any time.
 *
 * Most pairs of a domain and a kind of answer never occur, so those that do lie in an
 * open-addressed table. One thread writes and never sets anything back; who reads keeps what was
 * seen last and takes the growth, modulo 2^32. So whenever the writer ends, nothing is lost.
 */

/** A key is stored plus one, so that fresh memory is empty. */
const EMPTY = 0
/** A table this full takes no new key. */
const FULLEST = 0.75
const PAIR = 2

/** Words for about so many keys at once: pairs of key and count. */
export function keyedWords(keys: number, most: number): number {
  let pairs = 1_024
  while (pairs < keys * 2 && pairs < most) pairs *= 2
  return pairs * PAIR
}

/** Where a key is or belongs in a table with a power of two of rows; or -1 when it is full. */
function rowOf(table: Int32Array, rowWords: number, key: number, isFull: boolean): number {
  const rows = table.length / rowWords
  const mask = rows - 1
  const shift = Math.clz32(mask)
  for (let row = Math.imul(key, 0x9e3779b1) >>> shift; ; row = (row + 1) & mask) {
    const found = table[row * rowWords]!
    if (found === key + 1) return row * rowWords
    if (found === EMPTY) return isFull ? -1 : row * rowWords
  }
}

export class KeyedCounts {
  readonly #pairs: Int32Array
  readonly #shift: number
  readonly #mask: number
  /** New keys it still takes. */
  #room: number

  /** @param pairs zeroed, of a length that `keyedWords` gives */
  constructor(pairs: Int32Array) {
    this.#pairs = pairs
    this.#mask = pairs.length / PAIR - 1
    this.#shift = Math.clz32(this.#mask)
    this.#room = Math.floor((pairs.length / PAIR) * FULLEST)
  }

  /** Counts one more of a key, a whole number from 0; false when there is no room for a new key. */
  add(key: number): boolean {
    const pairs = this.#pairs
    const mask = this.#mask
    for (let slot = Math.imul(key, 0x9e3779b1) >>> this.#shift; ; slot = (slot + 1) & mask) {
      const at = slot * PAIR
      const found = pairs[at]!
      if (found === key + 1) {
        pairs[at + 1]!++
        return true
      }
      if (found !== EMPTY) continue
      if (this.#room <= 0) return false
      this.#room--
      pairs[at + 1] = 1
      pairs[at] = key + 1
      return true
    }
  }

  /** The same where there is no room: for the few keys that stand for all others. */
  addAnyway(key: number): void {
    const at = rowOf(this.#pairs, PAIR, key, false)
    this.#pairs[at + 1]!++
    this.#pairs[at] = key + 1
  }
}

/**
 * The same for keys that are found again without looking: pairs in the order in which keys first
 * came, so that few of them fill few cache lines. What a key is counted in is known to the caller.
 */
export class ListedCounts {
  readonly #pairs: Int32Array
  readonly #placeOf = new Map<number, number>()

  /** @param pairs zeroed */
  constructor(pairs: Int32Array) {
    this.#pairs = pairs
  }

  /** Counts one more of a key, a whole number from 0; returns where, or -1 when it is full. */
  add(key: number): number {
    const known = this.#placeOf.get(key)
    if (known !== undefined) {
      this.#pairs[known]!++
      return known
    }
    const at = this.#placeOf.size * PAIR
    if (at >= this.#pairs.length) return -1
    this.#placeOf.set(key, at + 1)
    this.#pairs[at + 1] = 1
    this.#pairs[at] = key + 1
    return at + 1
  }

  /** Counts one more where `add` counted before. */
  addAt(at: number): void {
    this.#pairs[at]!++
  }
}

/** Upper ends of the buckets, in seconds. */
export const BUCKETS: readonly number[] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1]
/** A key, a count for each bucket and for what is above them, and a sum. */
const TIMES_ROW = BUCKETS.length + 3
const TIMES_SUM = BUCKETS.length + 2
const TIMES_ROWS = 1_024
/** Of a tenth of a microsecond: 32 bits hold seven minutes of timed answering between two looks. */
const UNITS_A_SECOND = 1e7
export const TIMES_WORDS = TIMES_ROW * TIMES_ROWS

/** Histograms of the times of single queries, by key. */
export class KeyedTimes {
  readonly #rows: Int32Array
  #room = Math.floor(TIMES_ROWS * FULLEST)

  /** @param rows TIMES_WORDS zeroed words */
  constructor(rows: Int32Array) {
    this.#rows = rows
  }

  /** False when there is no room for a new key. */
  add(key: number, seconds: number): boolean {
    return this.#add(key, seconds, this.#room <= 0)
  }

  addAnyway(key: number, seconds: number): void {
    this.#add(key, seconds, false)
  }

  #add(key: number, seconds: number, isFull: boolean): boolean {
    const rows = this.#rows
    const at = rowOf(rows, TIMES_ROW, key, isFull)
    if (at < 0) return false
    let bucket = 0
    while (bucket < BUCKETS.length && seconds > BUCKETS[bucket]!) bucket++
    rows[at + 1 + bucket]!++
    rows[at + TIMES_SUM] = (rows[at + TIMES_SUM]! + Math.round(seconds * UNITS_A_SECOND)) | 0
    if (rows[at] === EMPTY) {
      this.#room--
      rows[at] = key + 1
    }
    return true
  }
}

/** Growth of words since they were last looked at. */
export class Growth {
  readonly words: Int32Array
  readonly #seen: Int32Array

  constructor(words: Int32Array) {
    this.words = words
    this.#seen = new Int32Array(words.length)
  }

  take(at: number): number {
    const value = this.words[at]!
    const growth = (value - this.#seen[at]!) >>> 0
    this.#seen[at] = value
    return growth
  }
}

export function takeCounts(pairs: Growth, take: (key: number, count: number) => void): void {
  for (let at = 0; at < pairs.words.length; at += PAIR) {
    const key = pairs.words[at]!
    const count = key === EMPTY ? 0 : pairs.take(at + 1)
    if (count !== 0) take(key - 1, count)
  }
}

/** Hands over what came to each bucket of each key, and to the sum, in seconds. */
export function takeTimes(
  rows: Growth,
  take: (key: number, counts: readonly number[], sum: number) => void,
): void {
  for (let at = 0; at < rows.words.length; at += TIMES_ROW) {
    const key = rows.words[at]!
    if (key === EMPTY) continue
    const counts = Array.from({ length: BUCKETS.length + 1 }, (_, bucket) =>
      rows.take(at + 1 + bucket),
    )
    const sum = rows.take(at + TIMES_SUM) / UNITS_A_SECOND
    if (counts.some((count) => count !== 0)) take(key - 1, counts, sum)
  }
}
