/**
 * The decision where it depends on the client: the regions in the order of the client's class, the
 * first that has a candidate, and inside it by weight.
 *
 * Part of `decide`. It allocates nothing and writes to the question what it read of the client.
 */
import type { Question } from './decide.ts'
import { ALL_DOWN, NODATA } from './outcomes.ts'
import { noteGroup } from './client-cache.ts'
import { FIXED, FIXED_ORDINALS } from './pool-layout.ts'
import type { Pools } from './pools.ts'
import { giveSticky, hasKey } from './sticky.ts'
import { isGiven } from './sticky-draws.ts'
import { weightedPlace } from './turns.ts'
import { BASIS_NOTHING, BASIS_SERVING } from './view.ts'

/**
 * Adds candidates of a group to the answer, that of the turn first; returns how many there are
 * then.
 *
 * @param turn a small integer: its point would need memory of its own with each call
 */
export function giveGroup(
  pools: Pools,
  pool: number,
  question: Question,
  group: number,
  turn: number,
  out: Int32Array,
  given: number,
  wanted: number,
): number {
  const { segments, places, sums, guides } = pools
  const own = pools.segmentsFrom(pool, question.family) + group
  const start = segments[own]!
  const size = segments[own + 1]! - start
  if (size === 0) return given
  const from = pools.placesFrom(pool, question.family) + start
  if (hasKey(question.key))
    return giveSticky(pools, pool, question.key, from, size, group, false, out, given, wanted)
  let place = weightedPlace(sums, guides, from, size, turn)
  let count = given
  for (let left = size; left > 0 && count < wanted; left--) {
    const candidate = places[from + place]!
    if (given === 0 || !isGiven(pools, pool, out, given, candidate)) out[count++] = candidate
    place = place + 1 === size ? 0 : place + 1
  }
  return count
}

/** Notes that a group answers this client alone, right after it gave the only answer. */
export function noteAlone(pools: Pools, pool: number, question: Question, group: number): void {
  const own = pools.segmentsFrom(pool, question.family) + group
  const start = pools.segments[own]!
  const from = pools.placesFrom(pool, question.family) + start
  if (hasKey(question.key)) noteGroup(pools, question, pools.orders.places[0]!, 1)
  else noteGroup(pools, question, from, pools.segments[own + 1]! - start)
}

/**
 * From the nearest region on; candidates without a region come last. The client was located.
 */
export function decidePlaced(
  pools: Pools,
  pool: number,
  question: Question,
  out: Int32Array,
  wanted: number,
): number {
  const { rankings, stride } = pools.geo!
  const row = question.place! * stride
  const { turn } = question
  const table = pools.layout.fixed[pool * FIXED + FIXED_ORDINALS]!
  const groups = pools.groupsOf(pool)
  question.basis = pools.segments[pools.segmentsFrom(pool, question.family) + groups + 1]!
  let given = 0
  for (let rank = 0; rank < stride && given < wanted; rank++) {
    const region = rankings[row + rank]!
    if (region < 0) break
    const group = pools.layout.ordinals[table + region]!
    if (group < 0) continue
    given = giveGroup(pools, pool, question, group, turn, out, given, wanted)
    if (given === 1 && wanted === 1) noteAlone(pools, pool, question, group)
  }
  if (given >= wanted) return given
  // Of this client nothing is known: the whole pool by turns.
  if (rankings[row]! < 0) return giveAll(pools, pool, question, out, wanted)
  return giveGroup(pools, pool, question, groups - 1, turn, out, given, wanted)
}

function giveAll(
  pools: Pools,
  pool: number,
  { family, turn, key }: Question,
  out: Int32Array,
  wanted: number,
): number {
  const from = pools.placesFrom(pool, family)
  const count = pools.segments[pools.segmentsFrom(pool, family) + pools.groupsOf(pool)]!
  if (hasKey(key)) return giveSticky(pools, pool, key, from, count, -1, false, out, 0, wanted)
  let given = 0
  let place = (turn >>> 0) % count
  for (let left = count; left > 0 && given < wanted; left--) {
    const candidate = pools.places[from + place]!
    if (!isGiven(pools, pool, out, given, candidate)) out[given++] = candidate
    place = place + 1 === count ? 0 : place + 1
  }
  return given
}

/** The client's own region or none. */
export function decideFenced(
  pools: Pools,
  pool: number,
  question: Question,
  out: Int32Array,
  wanted: number,
): number {
  const { rankings, stride } = pools.geo!
  const home = rankings[question.place! * stride]!
  const { turn } = question
  const table = pools.layout.fixed[pool * FIXED + FIXED_ORDINALS]!
  const groups = pools.groupsOf(pool)
  const bases = pools.segmentsFrom(pool, question.family) + groups + 1
  const group = home < 0 ? -1 : pools.layout.ordinals[table + home]!
  question.basis = group < 0 ? BASIS_NOTHING : pools.segments[bases + group]!
  if (group >= 0) {
    const given = giveGroup(pools, pool, question, group, turn, out, 0, wanted)
    if (given === 1 && wanted === 1) noteAlone(pools, pool, question, group)
    if (given > 0) return given
    // Its servers of the other family serve: the client can use those.
    if (question.basis === BASIS_SERVING) return NODATA
  }
  const mode = pools.allDownOf(pool)
  if (mode === 'nodata') return NODATA
  if (mode !== 'fallback') return ALL_DOWN
  question.basis = pools.segments[bases + groups - 1]!
  const given = giveGroup(pools, pool, question, groups - 1, turn, out, 0, wanted)
  return given > 0 ? given : ALL_DOWN
}
