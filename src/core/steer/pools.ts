/**
 * All pools of a snapshot in typed arrays, ready to be decided on.
 *
 * A question about one of many pools pays for each cache line it touches, so what a decision reads
 * of a pool is one row of eight numbers and a stretch of arrays shared by all. Words are the only
 * state that changes; the rest of a row is derived from them when a word changed and the pool is
 * next asked, so a burst of changes costs one pass and a query between changes costs nothing. A
 * change by itself is put in its place (word-changes.ts).
 */
import { type GeoParts, GeoTable, readGeoNames } from '../geo/parts.ts'
import type { Family } from '../net/address.ts'
import { Composed, leafWords } from './composed-pools.ts'
import {
  ADDRESS_BYTES,
  allDownModes,
  FAMILY_4,
  FAMILY_6,
  FIXED,
  FIXED_ALL_DOWN,
  FIXED_COUNT4,
  FIXED_FALLBACKS,
  FIXED_FAMILIES,
  FIXED_FENCED,
  FIXED_FROM,
  FIXED_GROUPS,
  FIXED_MEMBERS,
  FIXED_ORDINALS,
  FIXED_POLICY,
  FIXED_SEGMENTS,
  FIXED_SLOT,
  layPools,
  layWords,
  type PoolLayout,
  policies,
  segmentNumbers,
} from './pool-layout.ts'
import { basisAt, FAMILIES, FROM, MODE, ROW, SLOT, STALE } from './modes.ts'
import { fillAllDown, fillServing } from './filling.ts'
import { fillFenced } from './placing.ts'
import { settle } from './settling.ts'
import { ClientCache } from './client-cache.ts'
import { StickyOrders } from './sticky-orders.ts'
import { RingSearch } from './sticky-rings.ts'
import { RouteTable, type ServiceRoutes } from './routes.ts'
import type { ServingPool } from './snapshot.ts'
import type { WhenAllDown } from './topology.ts'
import { WordChanges } from './word-changes.ts'
import { BASIS_SERVING, type Basis, bases, basisOf } from './view.ts'

const POLICY_LEARNED = policies.indexOf('learned_latency')
/** Of the number of lines of clients that are remembered: 4 MiB for each thread, as used. */
const CACHE_BITS = 16
/** The same for pools that are only explained. */
const FEW_BITS = 2

export class Pools {
  readonly layout: PoolLayout
  readonly rows: Int32Array
  /**
   * Everything below is indexed by address (pool-layout.ts). Candidates of a family fill the first
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
  /** Where clients are; undefined where nothing is known of it. */
  readonly geo: GeoTable | undefined
  /** Of the pools whose answers depend on it, where their groups begin: placing.ts. */
  readonly segments: Int32Array
  /** Sums of the weights of the servers of each candidate, beside `places`. */
  readonly loads: Float64Array
  /** By the first candidate of an address, where it was last placed. */
  readonly placed: Int32Array
  /** By pool, what was learned of its clients' round-trip times. */
  readonly routes: (RouteTable | undefined)[]
  /** By pool, a number that changes with its words and routes. */
  readonly stamps: Int32Array
  /** Of policies made of others, their leaves. */
  readonly composed: Composed | undefined
  readonly orders: StickyOrders
  /** Of large pools whose clients stick. */
  readonly rings: RingSearch | undefined
  /** By pool and family, the greatest share that a candidate may have. */
  readonly tops: Uint16Array
  /** Words that changed since the pool was last asked. */
  readonly changes = new WordChanges()
  readonly #cacheBits: number
  /** Its pools are leaves, which share the turns of a name, so that none can go round. */
  readonly isBelow: boolean
  #cache: ClientCache | undefined

  /** @param words by address; read once */
  constructor(
    layout: PoolLayout,
    words: ArrayLike<number>,
    geo?: GeoParts,
    cacheBits = CACHE_BITS,
    isBelow = false,
  ) {
    const { fixed, families } = layout
    this.geo = geo && new GeoTable(geo)
    let segments = 0
    for (let row = 0; row < fixed.length; row += FIXED)
      if (fixed[row + FIXED_GROUPS] !== 0) segments += segmentNumbers(fixed[row + FIXED_GROUPS]!)
    this.segments = new Int32Array(segments)
    const size = families.length
    this.layout = layout
    this.rows = new Int32Array((fixed.length / FIXED) * ROW)
    this.places = new Int32Array(size)
    this.sums = new Float64Array(size)
    this.guides = new Int32Array(size)
    this.shares = new Uint16Array(size)
    this.words = new Uint32Array(size)
    this.words.set(words)
    this.loads = new Float64Array(size)
    this.placed = new Int32Array(size)
    this.routes = new Array<RouteTable | undefined>(this.count).fill(undefined)
    this.stamps = new Int32Array(this.count).fill(1)
    this.#cacheBits = cacheBits
    this.orders = new StickyOrders(cacheBits)
    this.rings = layout.rings && new RingSearch(this, layout.rings)
    this.tops = new Uint16Array(this.count * 2).fill(1000)
    this.isBelow = isBelow
    this.composed =
      layout.composed &&
      new Composed(
        layout.composed,
        new Pools(layout.composed.leaves, leafWords(layout, this.words), geo, cacheBits, true),
      )
    // Modes are 0 from the start, which is STALE.
    for (let pool = 0; pool < this.count; pool++) {
      const own = pool * FIXED
      const row = pool * ROW
      const from = fixed[own + FIXED_FROM]!
      this.rows[row + SLOT] = fixed[own + FIXED_SLOT]!
      this.rows[row + FAMILIES] = fixed[own + FIXED_FAMILIES]!
      this.rows[row + FROM] = from
      this.rows[row + FROM + 1] = from + fixed[own + FIXED_COUNT4]!
    }
  }

  /** How many pools there are. */
  get count(): number {
    return this.layout.fixed.length / FIXED
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

  /** Servers of a pool. */
  membersOf(pool: number): number {
    return this.layout.fixed[pool * FIXED + FIXED_MEMBERS]!
  }

  /** Servers and fallback addresses of a pool. */
  sizeOf(pool: number): number {
    return this.membersOf(pool) + this.layout.fixed[pool * FIXED + FIXED_FALLBACKS]!
  }

  familyAt(address: number): number {
    return this.layout.families[address]!
  }

  /** A view of the 4 or 16 octets, none for what is no address. */
  bytesAt(address: number): Uint8Array {
    const { bytes, families } = this.layout
    const from = address * ADDRESS_BYTES
    const length = families[address] === 6 ? 16 : families[address]!
    return bytes.subarray(from, from + length)
  }

  /** The first candidate of the pool with the same address as this one. */
  firstOf(pool: number, candidate: number): number {
    return this.layout.firsts[this.addressFrom(pool) + candidate]!
  }

  /** Whether any server, serving or not, or any fallback address, is of the family. */
  hasFamily(pool: number, family: Family): boolean {
    return (this.rows[pool * ROW + FAMILIES]! & (family === 6 ? FAMILY_6 : FAMILY_4)) !== 0
  }

  /** Sets the word of a server; ignored past the pool's servers. */
  setWord(pool: number, member: number, word: number): void {
    if (pool < 0 || pool >= this.count || member < 0 || member >= this.membersOf(pool)) return
    this.words[this.addressFrom(pool) + member] = word
    this.changes.note(this, pool, member)
    this.rows[pool * ROW + MODE] = STALE
    this.rows[pool * ROW + MODE + 2] = STALE
    this.stamps[pool]!++
    this.composed?.setWord(pool, member, word)
  }

  /** Clients looked up a moment ago; made when the first one is. */
  get cache(): ClientCache {
    this.#cache ??= new ClientCache(this.#cacheBits)
    return this.#cache
  }

  /** Takes what was learned of one pool's clients, or that nothing is. */
  setRoutes(pool: number, parts: ServiceRoutes | undefined): void {
    const { fixed, ordinals } = this.layout
    const own = pool * FIXED
    const isRouted = fixed[own + FIXED_POLICY] === POLICY_LEARNED && this.groupsOf(pool) > 0
    if (!isRouted || this.geo === undefined) return
    const { regions } = readGeoNames(this.geo.parts.labels)
    const table = fixed[own + FIXED_ORDINALS]!
    const groupOf = (name: string) => {
      const region = regions.indexOf(name)
      return region < 0 ? -1 : ordinals[table + region]!
    }
    this.routes[pool] = parts && new RouteTable(parts, groupOf)
    this.stamps[pool]!++
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

  /** How many groups its addresses fall into; 0 where its policy does not read the client. */
  groupsOf(pool: number): number {
    return this.layout.fixed[pool * FIXED + FIXED_GROUPS]!
  }

  isFenced(pool: number): boolean {
    return this.layout.fixed[pool * FIXED + FIXED_FENCED] === 1
  }

  /** Index in `segments` of what is kept of a family's groups. */
  segmentsFrom(pool: number, family: Family): number {
    const from = this.layout.fixed[pool * FIXED + FIXED_SEGMENTS]!
    return family === 6 ? from + segmentNumbers(this.groupsOf(pool)) / 2 : from
  }

  allDownOf(pool: number): WhenAllDown {
    return allDownModes[this.layout.fixed[pool * FIXED + FIXED_ALL_DOWN]!]!
  }

  #refresh(pool: number): void {
    if (this.changes.apply(this, pool)) return
    const count4 = fillServing(this, pool, 4)
    const count6 = fillServing(this, pool, 6)
    const served = count4 + count6 > 0
    const basis = served ? BASIS_SERVING : basisOf(this.allDownOf(pool))
    if (this.isFenced(pool) && this.groupsOf(pool) > 0) {
      settle(this, pool, 4, fillFenced(this, pool, 4), basis)
      settle(this, pool, 6, fillFenced(this, pool, 6), basis)
      return
    }
    settle(this, pool, 4, served ? count4 : fillAllDown(this, pool, 4), basis)
    settle(this, pool, 6, served ? count6 : fillAllDown(this, pool, 6), basis)
  }

  /**
   * Puts a candidate behind the `count` placed so far and returns how many there are then. One
   * whose address is there already, at `least` or behind it, adds its weight to that place instead.
   */
  place(
    pool: number,
    family: Family,
    count: number,
    candidate: number,
    share: number,
    least = 0,
  ): number {
    const { firsts, weights } = this.layout
    const from = this.addressFrom(pool)
    const at = this.placesFrom(pool, family)
    const first = firsts[from + candidate]!
    const weight = weights[from + candidate]!
    // What was noted in an earlier pass is told by the place, which then holds another address.
    const before = this.placed[from + first]!
    if (before >= least && before < count && firsts[from + this.places[at + before]!] === first) {
      const place = at + before
      this.sums[place]! += weight * share
      this.loads[place]! += weight
      this.shares[place] = Math.round(this.sums[place]! / this.loads[place]!)
      return count
    }
    const place = at + count
    this.placed[from + first] = count
    this.places[place] = candidate
    this.sums[place] = weight * share
    this.loads[place] = weight
    this.shares[place] = share
    return count + 1
  }
}

/** Pools with a memory of their own; `words[pool][member]`. */
export const poolsOf = (
  specs: readonly ServingPool[],
  words: readonly ArrayLike<number>[],
  geo?: GeoParts,
): Pools => {
  const names = geo && readGeoNames(geo.labels)
  const layout = layPools(specs, undefined, names?.regions, names?.labels)
  return new Pools(layout, layWords(specs, words), geo, FEW_BITS)
}
