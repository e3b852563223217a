/**
 * Words that changed one by one in large pools, put in their places when the pool is next asked.
 *
 * A pass over all servers of a pool for each change is what a storm would cost most. One change
 * moves the candidates behind it by a place and their sums by a weight, and the row comes out as a
 * pass would have made it. What changes more than that, and a burst, is left to the pass.
 */
import type { Family } from '../net/address.ts'
import {
  basisAt,
  choosesAt,
  COMPOSED,
  COUNT,
  FIRST,
  FIRST_SHARED,
  methodOf,
  MODE,
  RING,
  RING_SHARED,
  ROW,
  STALE,
  STICKY,
  WEIGHTED,
} from './modes.ts'
import { FIXED, FIXED_POLICY, policies } from './pool-layout.ts'
import type { Pools } from './pools.ts'
import { addUp, setRow } from './settling.ts'
import { guideSums } from './turns.ts'
import { BASIS_SERVING, isServing, shareOf } from './view.ts'

const POLICY_LATENCY = policies.indexOf('latency')
/** Of fewer servers a pass costs as little. */
const SERVERS_MIN = 64
/** More changes at once are a burst. */
const CHANGES_MAX = 4
/** Guides are made again when sums have moved by so many candidates. */
const DRIFT_MAX = 8

interface Waiting {
  readonly mode4: number
  readonly mode6: number
  readonly members: number[]
}

export class WordChanges {
  /** By pool, what changed since its row was made; where there is none, a pass is due. */
  readonly #waiting = new Map<number, Waiting>()
  /** By pool, whether its changes may be put in place. */
  readonly #suited = new Map<number, boolean>()
  /** By pool and family, by how many candidates sums have moved since guides were made. */
  readonly #drifts = new Map<number, number>()

  /** Takes note of a change, before the row is made stale. */
  note(pools: Pools, pool: number, member: number): void {
    if (pools.membersOf(pool) < SERVERS_MIN) return
    const at = pool * ROW + MODE
    const mode4 = pools.rows[at]!
    if (mode4 !== STALE) {
      if (!this.#suits(pools, pool)) return
      this.#waiting.set(pool, { mode4, mode6: pools.rows[at + 2]!, members: [member] })
      return
    }
    const members = this.#waiting.get(pool)?.members
    if (members === undefined || members.includes(member)) return
    if (members.length === CHANGES_MAX) this.#waiting.delete(pool)
    else members.push(member)
  }

  /** Whether each candidate has a place of its own, in the order of the configuration. */
  #suits(pools: Pools, pool: number): boolean {
    const known = this.#suited.get(pool)
    if (known !== undefined) return known
    const timed = pools.layout.fixed[pool * FIXED + FIXED_POLICY] === POLICY_LATENCY
    let suits = !timed && pools.groupsOf(pool) === 0 && !pools.isFenced(pool)
    for (let member = 0; suits && member < pools.membersOf(pool); member++)
      suits = pools.firstOf(pool, member) === member
    this.#suited.set(pool, suits)
    return suits
  }

  /** Makes the row from what waits; false where a pass must. */
  apply(pools: Pools, pool: number): boolean {
    const waiting = this.#waiting.get(pool)
    if (waiting === undefined) return false
    this.#waiting.delete(pool)
    const at = pool * ROW + MODE
    pools.rows[at] = waiting.mode4
    pools.rows[at + 2] = waiting.mode6
    return waiting.members.every((member) => this.#put(pools, pool, member, waiting.members))
  }

  /** Puts one server in its place or takes it out; false where that is not enough. */
  #put(pools: Pools, pool: number, member: number, changed: readonly number[]): boolean {
    const { places, loads, shares } = pools
    const address = pools.addressFrom(pool) + member
    const weight = pools.layout.weights[address]!
    const word = pools.words[address]!
    const family = pools.familyAt(address)
    // It answers nobody.
    if (weight === 0 || (family !== 4 && family !== 6)) return true
    if (!isMade(pools, pool, family, changed)) return false
    const from = pools.placesFrom(pool, family)
    const before = pools.rows[pool * ROW + COUNT + (family === 6 ? 2 : 0)]!
    const place = placeOf(places, from, before, member)
    const wasIn = Number(place < from + before && places[place] === member)
    const isIn = Number(isServing(word))
    const share = isIn * shareOf(word)
    const moved = Math.abs(weight * share - wasIn * weight * shares[place]!)
    if (wasIn !== isIn)
      for (const list of [places, loads, shares])
        list.copyWithin(place + isIn, place + wasIn, from + before)
    if (isIn === 1) {
      places[place] = member
      loads[place] = weight
      shares[place] = share
    }
    return this.#settle(pools, pool, family, before + isIn - wasIn, place, moved)
  }

  /** Completes the row from a changed place on; false where no share is left. */
  #settle(
    pools: Pools,
    pool: number,
    family: Family,
    count: number,
    place: number,
    moved: number,
  ): boolean {
    const from = pools.placesFrom(pool, family)
    const end = from + count
    let some = from
    while (some < end && pools.shares[some] === 0) some++
    if (some === end) return false
    let method = methodOf(pools.rows[pool * ROW + MODE + (family === 6 ? 2 : 0)]!)
    if (method === WEIGHTED) {
      addUp(pools, from, place, end, method)
      this.#guide(pools, pool, family, count, moved)
    } else if (method !== STICKY && method !== COMPOSED) {
      const wasEven = method === RING || method === FIRST
      let bleeding = wasEven ? place : from
      const last = wasEven ? Math.min(place + 1, end) : end
      while (bleeding < last && pools.shares[bleeding] === 1000) bleeding++
      const even = bleeding === last
      if (method === FIRST || method === FIRST_SHARED) method = even ? FIRST : FIRST_SHARED
      else method = even ? RING : RING_SHARED
      addUp(pools, from, wasEven ? from : place, end, method)
    }
    setRow(pools, pool, family, count, method, BASIS_SERVING)
    return true
  }

  /** Guides say where to begin, so those of sums that moved a little will do. */
  #guide(pools: Pools, pool: number, family: Family, count: number, moved: number): void {
    const { sums, guides } = pools
    const from = pools.placesFrom(pool, family)
    const key = pool * 2 + (family === 6 ? 1 : 0)
    const places = Math.max(1, (moved * count) / sums[from + count - 1]!)
    const drift = (this.#drifts.get(key) ?? 0) + places
    this.#drifts.set(key, drift > DRIFT_MAX ? 0 : drift)
    if (drift > DRIFT_MAX) guideSums(sums, guides, from, count)
    // None may lead past the end, and one that was added leads nowhere yet.
    guides[from + count - 1] = count - 1
    for (let at = from + count - 2; at >= from && guides[at]! >= count; at--) guides[at] = count - 1
  }
}

/**
 * Whether a family's candidates are those that serve, each with its own share: not where
 * `when_all_down` or shares that are all zero had put others.
 */
function isMade(pools: Pools, pool: number, family: Family, changed: readonly number[]): boolean {
  const row = pool * ROW + (family === 6 ? 2 : 0)
  if (!choosesAt(pools.rows[row + MODE]!)) return false
  if (basisAt(pools.rows[row + MODE]!) !== BASIS_SERVING) return false
  const from = pools.placesFrom(pool, family)
  const end = from + pools.rows[row + COUNT]!
  for (let place = from; place < end; place++) {
    const candidate = pools.places[place]!
    if (changed.includes(candidate)) continue
    return pools.shares[place] === shareOf(pools.words[pools.addressFrom(pool) + candidate]!)
  }
  return false
}

/** The place of a candidate, or that where it would be. */
function placeOf(places: Int32Array, from: number, count: number, candidate: number): number {
  let [low, high] = [from, from + count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (places[middle]! < candidate) low = middle + 1
    else high = middle
  }
  return low
}
