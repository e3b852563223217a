/**
 * The decision: which addresses answer a question. The one implementation there is.
 *
 * The hot path, the explain API and the simulator all call `decide`; it is a pure function of the
 * pool's words and the question. `turn` stands in for randomness: it counts the questions of one
 * name and type, so that a recorded turn replays exactly.
 */
import { steerLimits } from '../base/limits/steer.ts'
import type { Family } from '../net/address.ts'
import {
  basisAt,
  COMPOSED,
  COUNT,
  DOWN,
  EMPTY,
  FIRST,
  FIRST_SHARED,
  methodOf,
  RING,
  RING_SHARED,
  ROW,
  wantedOf,
  FENCED,
  PLACED,
  placesAt,
  ROUTED,
  STICKY,
  WEIGHTED,
} from './modes.ts'
import type { Pools } from './pools.ts'
import { ALL_DOWN, NODATA } from './outcomes.ts'
import { locate, noteGroup, notedSize, notedStart } from './client-cache.ts'
import { decideFenced, decidePlaced } from './placed.ts'
import { decideRouted } from './routed.ts'
import { leafFor, nothingFor } from './composed.ts'
import { NO_METHOD } from './routes.ts'
import { giveSticky, isEven, stickyKey } from './sticky.ts'
import { firstAbove, pointOf, weightedPlace } from './turns.ts'
import { type Basis, bases } from './view.ts'

/** One object is reused by the hot path. */
export interface Question {
  family: Family
  /** A count modulo 2^32; the signed number of the same bits means the same. */
  turn: number
  /** Address of the client or of its ECS prefix, 4 or 16 bytes. */
  client: Uint8Array
  /**
   * Written by `decide` where the policy reads the client, and only there: the client's class, the
   * basis (view.ts) on which its region answers, and of learned latency the row that decided, or
   * -1, and the method (routes.ts).
   */
  place?: number
  basis?: number
  route?: number
  method?: number
  /** Of clients that stick to servers, their network (sticky.ts); otherwise NO_KEY. */
  key?: number
  /** Of a policy made of others: the leaf that answered; -1 for none. */
  leaf?: number
}

export { ALL_DOWN, NODATA } from './outcomes.ts'

const ANSWERS_MAX = steerLimits.answersMax.max

/**
 * Writes indices of the pool's addresses to `out`, best first.
 *
 * Returns how many were written, or NODATA, or ALL_DOWN. Allocates nothing. `out` must hold
 * `limits.answersMax` entries.
 */
export function decide(pools: Pools, pool: number, question: Question, out: Int32Array): number {
  const { family, turn } = question
  const mode = pools.modeOf(pool, family)
  const method = methodOf(mode)
  if (method === EMPTY) return NODATA
  if (method === DOWN) return ALL_DOWN
  const count = pools.rows[pool * ROW + COUNT + (family === 6 ? 2 : 0)]!
  const from = pools.placesFrom(pool, family)
  const wanted = Math.min(wantedOf(mode), out.length, ANSWERS_MAX)
  if (method >= PLACED) {
    if (method === COMPOSED) return decideComposed(pools, pool, question, out)
    if (method === STICKY) return decideSticky(pools, pool, question, out, wanted)
    return decideByClient(pools, pool, question, out, wanted, method)
  }
  // Policies that read the client fall back to turns where nothing is known of it.
  const ring = method === RING
  const first = ring ? (turn >>> 0) % count : firstPlace(pools, method, from, count, turn)
  // Neighbours in ring order follow the first.
  for (let rank = 0, place = first; rank < wanted; rank++) {
    out[rank] = pools.places[from + place]!
    place = place + 1 === count ? 0 : place + 1
  }
  return wanted
}

/** On what basis it was answered, or not, right after `decide` was asked the question. */
export function answeredOn(pools: Pools, pool: number, question: Question): Basis {
  const mode = pools.modeOf(pool, question.family)
  if (!placesAt(mode)) return bases[basisAt(mode)]!
  const isNowhere = methodOf(mode) === COMPOSED && question.leaf! < 0
  return isNowhere ? 'nothing' : bases[question.basis!]!
}

/** Where the client is decides; what was found of it a moment ago is not sought again. */
function decideByClient(
  pools: Pools,
  pool: number,
  question: Question,
  out: Int32Array,
  wanted: number,
  method: number,
): number {
  locate(pools, pool, question)
  const size = wanted === 1 ? notedSize(pools.cache) : 0
  if (size > 0) {
    const { places, sums, guides } = pools
    const start = notedStart(pools.cache, question)
    const { turn } = question
    out[0] = places[start + (size === 1 ? 0 : weightedPlace(sums, guides, start, size, turn))]!
    return 1
  }
  question.method = NO_METHOD
  question.key = stickyKey(pools, pool, question.client)
  if (method === ROUTED) return decideRouted(pools, pool, question, out, wanted)
  if (method === FENCED) return decideFenced(pools, pool, question, out, wanted)
  return decidePlaced(pools, pool, question, out, wanted)
}

/** The client's network has an order of its own among all servers. */
function decideSticky(
  pools: Pools,
  pool: number,
  question: Question,
  out: Int32Array,
  wanted: number,
): number {
  const { family } = question
  locate(pools, pool, question)
  // Where the client is does not matter, only which network it is in.
  question.place = -1
  if (wanted === 1 && notedSize(pools.cache) === 1) {
    out[0] = pools.places[notedStart(pools.cache, question)]!
    return 1
  }
  question.method = NO_METHOD
  question.key = stickyKey(pools, pool, question.client)
  question.basis = basisAt(pools.modeOf(pool, family))
  const from = pools.placesFrom(pool, family)
  const size = pools.rows[pool * ROW + COUNT + (family === 6 ? 2 : 0)]!
  const even = isEven(pools, pool)
  const count = giveSticky(pools, pool, question.key!, from, size, -1, even, out, 0, wanted)
  if (wanted === 1 && count === 1) noteGroup(pools, question, pools.orders.places[0]!, 1)
  return count
}

/** The leaf decides, by the very policies there are above. */
function decideComposed(pools: Pools, pool: number, question: Question, out: Int32Array): number {
  const { turn } = question
  question.key = stickyKey(pools, pool, question.client)
  const leaf = leafFor(pools, pool, question)
  const { place } = question
  question.leaf = leaf
  question.method = NO_METHOD
  if (leaf < 0) return nothingFor(pools, pool, question)
  const { layout, leaves } = pools.composed!
  question.basis = basisAt(leaves.modeOf(leaf, question.family))
  const count = decide(leaves, leaf, question, out)
  question.turn = turn
  // A leaf may have no use for it.
  question.place = place!
  const from = leaves.addressFrom(leaf)
  for (let rank = 0; rank < count; rank++) out[rank] = layout.origins[from + out[rank]!]!
  return count
}

/** The place of the best candidate. */
function firstPlace(
  pools: Pools,
  method: number,
  from: number,
  count: number,
  turn: number,
): number {
  switch (method) {
    case WEIGHTED:
      return weightedPlace(pools.sums, pools.guides, from, count, turn)
    case FIRST:
      return 0
    case FIRST_SHARED:
      return firstShared(pools.sums, from, count, turn)
    case RING_SHARED:
      return ringShared(pools, from, count, turn)
    default:
      return (turn >>> 0) % count
  }
}

/**
 * Each turn belongs to one server, which passes on the part of its turns that its share gives
 * away. The point must not repeat with the period of the ring.
 */
function ringShared(pools: Pools, from: number, count: number, turn: number): number {
  const place = (turn >>> 0) % count
  const round = Math.floor((turn >>> 0) / count)
  const keeps = pointOf(round) * 1000 < pools.shares[from + place]!
  return keeps ? place : heir(pools.sums, from, count, place, round)
}

/**
 * Who takes a turn that the server at `place` gives away: the others, in proportion of share.
 *
 * @param sums of the shares
 */
function heir(
  sums: Float64Array,
  from: number,
  count: number,
  place: number,
  round: number,
): number {
  const before = place === 0 ? 0 : sums[from + place - 1]!
  const own = sums[from + place]! - before
  const whole = sums[from + count - 1]! - own
  if (whole === 0) return place
  const point = pointOf(round * 3 + place + 1) * whole
  return firstAbove(sums, from, count, point < before ? point : point + own)
}

/**
 * The first in order; one that bleeds passes what it gives away down the line. What the last gives
 * away is divided as the rest is.
 *
 * @param sums thousandths of all turns that a server and those before it take
 */
function firstShared(sums: Float64Array, from: number, count: number, turn: number): number {
  // The last of the points, which are a 2^32nd apart, is the first of the line.
  const point = 1 - 2 ** -32 - pointOf(turn)
  return firstAbove(sums, from, count, point * sums[from + count - 1]!)
}
