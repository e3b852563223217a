/**
 * What draws of sticky clients are made of: hashes, and the best candidates so far.
 */
import type { Pools } from './pools.ts'
import { NEWEST } from './sticky-orders.ts'
import { spillOf } from './words.ts'

// Candidates in the order of these, and within one by score.
export const ROOM = 0
export const FULL = 1
export const LIGHT = 2

/** The finalizer of MurmurHash3: every bit of what comes in reaches every bit that goes out. */
export function mixed(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Whether a full server passes the client on: sixteenths, from other bits of its draw. */
export const isPassedOn = (draw: number, word: number): boolean =>
  spillOf(word) > 0 && mixed(draw ^ 0x5bd1e995) >>> 28 < spillOf(word)

/** Whether the address was given already. */
export function isGiven(
  pools: Pools,
  pool: number,
  out: Int32Array,
  given: number,
  candidate: number,
): boolean {
  const first = pools.firstOf(pool, candidate)
  for (let at = 0; at < given; at++) if (pools.firstOf(pool, out[at]!) === first) return true
  return false
}

/** Whether one that was kept comes before the newest, or came before it. */
const goesBefore = ({ orders: { ranks, scores } }: Pools, at: number, rank: number): boolean =>
  ranks[at]! < rank || (ranks[at] === rank && scores[at]! >= scores[NEWEST]!)

/**
 * Puts a candidate among the best of those before it, whose score lies behind theirs at `NEWEST`:
 * a number with a fraction would be boxed on its way here. Returns how many there are.
 */
export function keepScored(
  pools: Pools,
  pool: number,
  place: number,
  rank: number,
  kept: number,
  room: number,
): number {
  const { ranks, scores, places } = pools.orders
  const { firsts } = pools.layout
  const base = pools.addressFrom(pool)
  if (kept === room && goesBefore(pools, room - 1, rank)) return kept
  let count = kept
  // Candidates of several regions may have one address: the best of them stands for it.
  const first = room === 1 ? -1 : firsts[base + pools.places[place]!]!
  for (let at = 0; room > 1 && at < count; at++) {
    if (firsts[base + pools.places[places[at]!]!] !== first) continue
    if (goesBefore(pools, at, rank)) return kept
    count--
    ranks.copyWithin(at, at + 1, count + 1)
    scores.copyWithin(at, at + 1, count + 1)
    places.copyWithin(at, at + 1, count + 1)
    break
  }
  let at = Math.min(count, room - 1)
  for (; at > 0 && !goesBefore(pools, at - 1, rank); at--) {
    ranks[at] = ranks[at - 1]!
    scores[at] = scores[at - 1]!
    places[at] = places[at - 1]!
  }
  ranks[at] = rank
  scores[at] = scores[NEWEST]!
  places[at] = place
  return Math.min(count + 1, room)
}
