/**
 * All pools of a snapshot in typed arrays, ready to be decided on.
 *
 * A question about one of many pools pays for each cache line it touches, so what a decision reads
 * of a pool is one row of eight numbers and a stretch of arrays shared by all. Words are the only
 * state that changes; the rest of a row is derived from them when a word changed and the pool is
 * next asked, so a burst of changes costs one pass and a query between changes costs nothing.
 */
import { type Family, parseAddress } from '../net/address.ts'
import type { ServingPool } from './snapshot.ts'
import {
  BASIS_NOTHING,
  BASIS_SERVING,
  type Basis,
  bases,
  basisOf,
  isServing,
  shareOf,
  standsIn,
} from './view.ts'

/** Numbers of a row; for each family in turn where two are named. */
export const ROW = 8
/** Index of the turn counters. */
export const SLOT = 0
/** Which families the pool has addresses of: FAMILY_4, FAMILY_6. */
const FAMILIES = 1
/** Where the places of IPv4 begin, which is also where the pool's addresses begin; then IPv6. */
export const FROM = 2
/** How many candidates, and how to choose among them: for IPv4, then for IPv6. */
export const COUNT = 4
export const MODE = 5

const FAMILY_4 = 1
const FAMILY_6 = 2

// A mode is one of these, the basis from bit 8, and the number of answers from bit 16.
/** A word changed: the row is to be made anew. */
export const STALE = 0
/** No candidate, and the name exists. */
export const EMPTY = 1
/** No candidate, and that is a failure. */
export const DOWN = 2
/** Turns go round. */
export const RING = 3
/** Turns go round, and some server gives away a part of its own. */
export const RING_SHARED = 4
export const WEIGHTED = 5
/** The first takes all. */
export const FIRST = 6
/** The first gives away a part. */
export const FIRST_SHARED = 7

export const methodOf = (mode: number): number => mode & 0xff
/** Whether some candidate is to be chosen. */
export const choosesAt = (mode: number): boolean => (mode & 0xff) > DOWN
/** The number of the basis, as in view.ts. */
export const basisAt = (mode: number): number => (mode >> 8) & 0xff
export const wantedOf = (mode: number): number => mode >>> 16

/** Octets set aside for an address. */
const ADDRESS_BYTES = 16

export class Pools {
  readonly specs: readonly ServingPool[]
  readonly rows: Int32Array
  /**
   * Everything below is indexed by address: those of a pool lie together, the servers in the order
   * of the configuration, then the fallback addresses. Candidates of a family fill the first
   * places of its stretch.
   */
  readonly places: Int32Array
  /** Running sums of the candidates' effective weights, beside `places`. */
  readonly sums: Float64Array
  /** For each of as many equal parts of the sums as there are candidates, where its first lies. */
  readonly guides: Int32Array
  /** Thousandths of its traffic each candidate takes, beside `places`. */
  readonly shares: Uint16Array
  readonly words: Uint32Array
  readonly #weights: Uint32Array
  /** 4, 6, or 0 for what is no address. */
  readonly #families: Uint8Array
  readonly #bytes: Uint8Array

  constructor(specs: readonly ServingPool[], words: readonly (readonly number[])[]) {
    this.specs = specs
    const sizeOf = (spec: ServingPool) => spec.members.length + spec.fallback.length
    const size = specs.reduce((sum, spec) => sum + sizeOf(spec), 0)
    this.rows = new Int32Array(specs.length * ROW)
    this.places = new Int32Array(size)
    this.sums = new Float64Array(size)
    this.guides = new Int32Array(size)
    this.shares = new Uint16Array(size)
    this.words = new Uint32Array(size)
    this.#weights = new Uint32Array(size)
    this.#families = new Uint8Array(size)
    this.#bytes = new Uint8Array(size * ADDRESS_BYTES)
    let from = 0
    for (const [pool, spec] of specs.entries()) {
      this.#fill(pool, spec, words[pool] ?? [], from)
      from += sizeOf(spec)
    }
  }

  /** How many addresses all pools have together. */
  get addressCount(): number {
    return this.places.length
  }

  /** Index of the pool's first address. */
  addressFrom(pool: number): number {
    return this.rows[pool * ROW + FROM]!
  }

  /** Index of the first place of a family. */
  placesFrom(pool: number, family: Family): number {
    return this.rows[pool * ROW + (family === 6 ? FROM + 1 : FROM)]!
  }

  /** Servers and fallback addresses of a pool. */
  sizeOf(pool: number): number {
    const { members, fallback } = this.specs[pool]!
    return members.length + fallback.length
  }

  familyAt(address: number): number {
    return this.#families[address]!
  }

  /** A view of the 4 or 16 octets, none for what is no address. */
  bytesAt(address: number): Uint8Array {
    const from = address * ADDRESS_BYTES
    const length = this.#families[address] === 6 ? 16 : this.#families[address]!
    return this.#bytes.subarray(from, from + length)
  }

  /** Whether any server, serving or not, or any fallback address, is of the family. */
  hasFamily(pool: number, family: Family): boolean {
    return (this.rows[pool * ROW + FAMILIES]! & (family === 6 ? FAMILY_6 : FAMILY_4)) !== 0
  }

  /** Sets the word of a server; ignored past the pool's servers. */
  setWord(pool: number, member: number, word: number): void {
    const spec = this.specs[pool]
    if (spec === undefined || member < 0 || member >= spec.members.length) return
    this.words[this.addressFrom(pool) + member] = word
    this.rows[pool * ROW + MODE] = STALE
    this.rows[pool * ROW + MODE + 2] = STALE
  }

  /** The mode of a family, its row made anew when a word changed. */
  modeOf(pool: number, family: Family): number {
    const at = pool * ROW + MODE + (family === 6 ? 2 : 0)
    if (this.rows[at] === STALE) this.#refresh(pool)
    return this.rows[at]!
  }

  basisOf(pool: number, family: Family): Basis {
    return bases[basisAt(this.modeOf(pool, family))]!
  }

  #fill(pool: number, spec: ServingPool, words: readonly number[], from: number): void {
    let families = 0
    let count4 = 0
    for (let index = 0; index < spec.members.length + spec.fallback.length; index++) {
      const member = spec.members[index]
      const text = member?.address ?? spec.fallback[index - spec.members.length]!
      const parsed = parseAddress(text)
      const at = from + index
      this.words[at] = member === undefined ? 0 : (words[index] ?? 0)
      this.#weights[at] = member?.weight ?? 1
      if (!parsed.ok) continue
      const { family, bytes } = parsed.value
      this.#families[at] = family
      this.#bytes.set(bytes, at * ADDRESS_BYTES)
      families |= family === 6 ? FAMILY_6 : FAMILY_4
      if (family === 4) count4++
    }
    // Modes are 0 from the start, which is STALE.
    this.rows.set([spec.slot, families, from, from + count4], pool * ROW)
  }

  #refresh(pool: number): void {
    const count4 = this.#fillServing(pool, 4)
    const count6 = this.#fillServing(pool, 6)
    const served = count4 + count6 > 0
    const basis = served ? BASIS_SERVING : basisOf(this.specs[pool]!.whenAllDown)
    this.#settle(pool, 4, served ? count4 : this.#fillAllDown(pool, 4), basis)
    this.#settle(pool, 6, served ? count6 : this.#fillAllDown(pool, 6), basis)
  }

  /** Gathers the candidates that serve; returns how many. */
  #fillServing(pool: number, family: Family): number {
    const from = this.addressFrom(pool)
    const at = this.placesFrom(pool, family)
    const members = this.specs[pool]!.members.length
    let count = 0
    for (let member = 0; member < members; member++) {
      const address = from + member
      const word = this.words[address]!
      if (!isServing(word) || this.#weights[address] === 0) continue
      if (this.#families[address] !== family) continue
      this.places[at + count] = member
      this.shares[at + count] = shareOf(word)
      count++
    }
    return count
  }

  /** What `when_all_down` puts in place of the servers, when it names any; returns how many. */
  #fillAllDown(pool: number, family: Family): number {
    const { whenAllDown: mode, members } = this.specs[pool]!
    if (mode === 'servfail' || mode === 'nodata') return 0
    const from = this.addressFrom(pool)
    const at = this.placesFrom(pool, family)
    const first = mode === 'fallback' ? members.length : 0
    const end = mode === 'fallback' ? this.sizeOf(pool) : members.length
    let count = 0
    for (let candidate = first; candidate < end; candidate++) {
      const address = from + candidate
      if (this.#families[address] !== family) continue
      const stands =
        mode === 'fallback' || standsIn(mode, this.words[address]!, this.#weights[address]!)
      if (!stands) continue
      this.places[at + count] = candidate
      this.shares[at + count] = 1000
      count++
    }
    return count
  }

  /** Completes a family's part of the row from its candidates and their shares. */
  #settle(pool: number, family: Family, count: number, basis: number): void {
    const row = pool * ROW
    const { answers, policy } = this.specs[pool]!
    const even = this.#sum(pool, family, count)
    this.rows[row + COUNT + (family === 6 ? 2 : 0)] = count
    let method = even ? RING : RING_SHARED
    if (policy === 'weighted') {
      method = WEIGHTED
      this.#guide(this.placesFrom(pool, family), count)
    }
    if (policy === 'failover') method = even ? FIRST : FIRST_SHARED
    if (count === 0) method = this.#emptyMethod(pool, family, basis)
    const told = count === 0 ? BASIS_NOTHING : basis
    const wanted = Math.max(0, Math.min(answers, count, 0xffff))
    this.rows[row + MODE + (family === 6 ? 2 : 0)] = method | (told << 8) | (wanted << 16)
  }

  /** Sums the weights; true when every share is whole, so that turns can simply rotate. */
  #sum(pool: number, family: Family, count: number): boolean {
    const from = this.addressFrom(pool)
    const at = this.placesFrom(pool, family)
    let bled = true
    for (let place = at; place < at + count; place++) if (this.shares[place] !== 0) bled = false
    let even = true
    let total = 0
    for (let place = at; place < at + count; place++) {
      // Signals that shape weight never empty a pool (design section 5): when every share is zero
      // none counts.
      if (bled) this.shares[place] = 1000
      if (this.shares[place] !== 1000) even = false
      total += this.#weights[from + this.places[place]!]! * this.shares[place]!
      this.sums[place] = total
    }
    return even
  }

  /** Notes where a search among the sums may begin, so that it ends after a step or two. */
  #guide(from: number, count: number): void {
    const part = count === 0 ? 0 : this.sums[from + count - 1]! / count
    let place = 0
    for (let guide = 0; guide < count; guide++) {
      while (place < count - 1 && this.sums[from + place]! <= guide * part) place++
      this.guides[from + guide] = place
    }
  }

  /** Why a family without candidates answers nothing. */
  #emptyMethod(pool: number, family: Family, basis: number): number {
    const other = family === 4 ? 6 : 4
    if (!this.hasFamily(pool, family) && this.hasFamily(pool, other)) return EMPTY
    // A client of the other family is still served; telling this one "no such record" lets it use
    // that family, where SERVFAIL would have it give up.
    if (basis === BASIS_SERVING) return EMPTY
    // A pool that no server has joined yet is down, not a name without records.
    return this.specs[pool]!.whenAllDown === 'nodata' ? EMPTY : DOWN
  }
}
