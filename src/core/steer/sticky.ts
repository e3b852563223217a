/**
 * Clients that stick to a server: `sticky: client_prefix`.
 *
 * Highest random weight (rendezvous hashing, Thaler and Ravishankar 1998), weighted as by
 * Schindelhauer and Schomaker 2005: each server draws a number for a client's network by a hash,
 * and the highest one, its logarithm divided by the weight, has it. A server that goes gives its
 * own clients away and no others; one that comes takes only those it draws highest for. Loads are
 * bounded as in Mirrokni, Thorup and Zadimoghaddam 2018: a server that is full passes clients on to
 * the next in their own order. How full one is stands in its word (health/crowding.ts), as the part
 * of its clients that it passes on, so that it is the same clients as long as it holds, and an
 * answer still follows from state alone.
 *
 * A draw of each server costs what there are servers. In large pools they draw in another way, by
 * which few of them need be asked (sticky-rings.ts).
 */
import type { Family } from '../net/address.ts'
import { FIXED, FIXED_KEY, FIXED_POLICY, FIXED_STICKY, policies } from './pool-layout.ts'
import type { Pools } from './pools.ts'
import { FULL, isGiven, isPassedOn, keepScored, LIGHT, mixed, ROOM } from './sticky-draws.ts'
import { NEWEST } from './sticky-orders.ts'
import { drawsByRing } from './sticky-rings.ts'

/** The policy is not sticky. */
export const NO_KEY = -1

/** Whether the client sticks. A key is any other 32 bits with their sign: a number without box. */
export const hasKey = (key: number | undefined): key is number =>
  key !== undefined && key !== NO_KEY

/** Bits of a client's address that tell it apart; 0 where the pool's clients do not stick. */
export function stickyBits(pools: Pools, pool: number, family: Family): number {
  const packed = pools.layout.fixed[pool * FIXED + FIXED_STICKY]!
  return family === 6 ? packed >>> 8 : packed & 0xff
}

/** 32 bits for a client's network and a name, or NO_KEY. Allocates nothing. */
export function stickyKey(pools: Pools, pool: number, client: Uint8Array): number {
  const bits = stickyBits(pools, pool, client.length === 16 ? 6 : 4)
  if (bits === 0) return NO_KEY
  let key = pools.layout.fixed[pool * FIXED + FIXED_KEY]!
  const whole = bits >> 3
  for (let at = 0; at < whole; at++) key = Math.imul(key ^ client[at]!, 0x01000193)
  const rest = bits & 7
  if (rest > 0) key = Math.imul(key ^ (client[whole]! & (0xff00 >> rest)), 0x01000193)
  const hash = mixed(key)
  return hash === NO_KEY ? 0 : hash
}

/** What is drawn for a client by anything that has a number of its own. */
export const drawn = (key: number, seed: number): number =>
  mixed(key ^ Math.imul(seed, 0x9e3779b1)) >>> 0

/** The higher the better: the logarithm of a number in (0, 1), divided by a weight above 0. */
export const scoreOf = (draw: number, weight: number): number =>
  Math.log((draw + 0.5) / 0x1_0000_0000) / weight

/** Fewer candidates are sooner drawn for again than looked up. */
const FEW = 16
const WHOLE = 0x1_0000_0000

/**
 * Adds candidates of a stretch of places to the answer in the client's own order; returns how many
 * there are then, and leaves the place of the first one added in `pools.orders`.
 *
 * @param group whose candidates the stretch holds; -1 where it is all of the family
 * @param even whether their weights do not count
 */
export function giveSticky(
  pools: Pools,
  pool: number,
  key: number,
  from: number,
  size: number,
  group: number,
  even: boolean,
  out: Int32Array,
  given: number,
  wanted: number,
): number {
  const { orders, places } = pools
  const stamp = pools.stamps[pool]!
  // Who was given before is left out, so that what is added rests on more than the stretch.
  const isNoted = given === 0 && size > FEW
  let count = isNoted ? orders.find(from, size, key, stamp, wanted) : 0
  if (count === 0) {
    count = drawsByRing(pools, pool, key)
      ? pools.rings!.draw(pool, key, from, size, group, even, out, given, wanted)
      : drawAll(pools, pool, key, from, size, even, out, given, wanted)
    if (isNoted) orders.note(from, size, key, stamp, wanted, count)
  }
  for (let at = 0; at < count; at++) out[given + at] = places[orders.places[at]!]!
  return given + count
}

/** Seeks the best of all in one pass; returns how many there are. */
function drawAll(
  pools: Pools,
  pool: number,
  key: number,
  from: number,
  size: number,
  even: boolean,
  out: Int32Array,
  given: number,
  wanted: number,
): number {
  const { orders, places, loads, shares } = pools
  const { seeds } = pools.layout
  const base = pools.addressFrom(pool)
  const room = wanted - given
  let count = 0
  // What a draw must come to, for each unit of weight, to be among the best.
  let bound = -Infinity
  for (let place = from; place < from + size; place++) {
    const weight = even ? shares[place]! : loads[place]! * shares[place]!
    const draw = mixed(key ^ seeds[base + places[place]!]!)
    // A logarithm is below its number less one, which tells most candidates without it.
    if ((draw >>> 0) + 0.5 - WHOLE <= bound * weight) continue
    if (given > 0 && isGiven(pools, pool, out, given, places[place]!)) continue
    count = keepBest(pools, pool, place, draw, even, count, room)
    const last = room - 1
    if (count === room && orders.ranks[last] === ROOM) bound = orders.scores[last]! * WHOLE
  }
  return count
}

/**
 * Puts a candidate among the best of those before it, where it is; returns how many there are.
 *
 * @param signed its draw; a larger number, or one with a fraction, would be boxed on its way here
 */
function keepBest(
  pools: Pools,
  pool: number,
  place: number,
  signed: number,
  even: boolean,
  kept: number,
  room: number,
): number {
  const { ranks, scores } = pools.orders
  const address = pools.addressFrom(pool) + pools.places[place]!
  const draw = signed >>> 0
  const weight = even ? pools.shares[place]! : pools.loads[place]! * pools.shares[place]!
  const full = isPassedOn(signed, pools.words[address]!) ? FULL : ROOM
  const rank = weight > 0 ? full : LIGHT
  const divisor = weight > 0 ? weight : 1
  const isFull = kept === room
  if (isFull && rank > ranks[room - 1]!) return kept
  const least = isFull && rank === ranks[room - 1]! ? scores[room - 1]! : -Infinity
  if (draw + 0.5 - WHOLE <= least * divisor * WHOLE) return kept
  scores[NEWEST] = Math.log((draw + 0.5) / WHOLE) / divisor
  return keepScored(pools, pool, place, rank, kept, room)
}

/** Whether the policy leaves weights aside. */
export const isEven = (pools: Pools, pool: number): boolean =>
  policies[pools.layout.fixed[pool * FIXED + FIXED_POLICY]!] === 'round-robin'
