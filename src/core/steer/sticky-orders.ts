/**
 * What clients that stick drew: the best candidates while they are sought, and those of networks
 * that asked a moment ago: who asks again costs a comparison, however many servers there are.
 *
 * An entry is one network (its key) and one stretch of places, of one state of the pool. Another
 * that falls on its line takes its place. It decides nothing: with or without it answers are the
 * same.
 */
import { steerLimits } from '../base/limits/steer.ts'

const ANSWERS_MAX = steerLimits.answersMax.max

/** Behind the scores of those kept: that of a candidate that may be. */
export const NEWEST = ANSWERS_MAX

// Words of an entry, which is what memory is fetched by: 64 octets.
const FROM = 0
const KEY = 1
const STAMP = 2
const SIZE = 3
/** How many were wanted, and from bit 8 how many there are. */
const COUNTS = 4
const PLACES = 5
const LINE_WORDS = 16
const LINE_SHIFT = 4
/** More answers are sought anew each time. */
const PLACES_MAX = LINE_WORDS - PLACES

/** Of the number of lines, to the number of those that remember clients. */
const FEWER_BITS = 4

export class StickyOrders {
  /** Of the candidates kept so far, best first: how they rank, their scores and their places. */
  readonly ranks = new Uint8Array(ANSWERS_MAX)
  readonly scores = new Float64Array(ANSWERS_MAX + 1)
  readonly places = new Int32Array(ANSWERS_MAX)
  readonly #bits: number
  /** Made when the first is noted. */
  #words: Int32Array | undefined

  /** @param cacheBits of the number of lines for clients beside it */
  constructor(cacheBits: number) {
    this.#bits = Math.max(2, cacheBits - FEWER_BITS)
  }

  #lineOf(from: number, key: number): number {
    const mixed = Math.imul(key ^ Math.imul(from, 0x85ebca6b), 0x9e3779b1)
    return (mixed >>> (32 - this.#bits)) << LINE_SHIFT
  }

  /** Writes to `places` what was noted; returns how many there are, 0 where nothing was. */
  find(from: number, size: number, key: number, stamp: number, wanted: number): number {
    const words = this.#words
    if (words === undefined) return 0
    const line = this.#lineOf(from, key)
    const isKnown =
      words[line + KEY] === key &&
      words[line + FROM] === from &&
      words[line + STAMP] === stamp &&
      words[line + SIZE] === size &&
      (words[line + COUNTS]! & 0xff) === wanted
    if (!isKnown) return 0
    const count = words[line + COUNTS]! >> 8
    for (let at = 0; at < count; at++) this.places[at] = words[line + PLACES + at]!
    return count
  }

  /** Notes the first `count` of `places`. */
  note(from: number, size: number, key: number, stamp: number, wanted: number, count: number) {
    if (wanted > PLACES_MAX) return
    this.#words ??= new Int32Array(LINE_WORDS << this.#bits)
    const words = this.#words
    const line = this.#lineOf(from, key)
    words[line + KEY] = key
    words[line + FROM] = from
    words[line + STAMP] = stamp
    words[line + SIZE] = size
    words[line + COUNTS] = wanted | (count << 8)
    for (let at = 0; at < count; at++) words[line + PLACES + at] = this.places[at]!
  }
}
