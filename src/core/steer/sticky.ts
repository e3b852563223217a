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
 */
import type { Family } from '../net/address.ts'
import {
  ADDRESS_BYTES,
  FIXED,
  FIXED_KEY,
  FIXED_POLICY,
  FIXED_STICKY,
  policies,
} from './pool-layout.ts'
import type { Pools } from './pools.ts'
import { spillOf } from './words.ts'

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

/** The finalizer of MurmurHash3: every bit of what comes in reaches every bit that goes out. */
function mixed(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** What is drawn for a client by anything that has a number of its own. */
export const drawn = (key: number, seed: number): number =>
  mixed(key ^ Math.imul(seed, 0x9e3779b1)) >>> 0

/** The higher the better: the logarithm of a number in (0, 1), divided by a weight above 0. */
export const scoreOf = (draw: number, weight: number): number =>
  Math.log((draw + 0.5) / 0x1_0000_0000) / weight

/** 32 bits of an address (FNV-1a), the same in every process. */
function seedOf(bytes: Uint8Array, address: number): number {
  let hash = 0x811c9dc5
  const end = (address + 1) * ADDRESS_BYTES
  for (let at = address * ADDRESS_BYTES; at < end; at++)
    hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash
}

/** Sixteenths, from other bits of the draw than the score. */
const isPassedOn = (draw: number, word: number): boolean =>
  mixed(draw ^ 0x5bd1e995) >>> 28 < spillOf(word)

// Candidates in the order of these, and within one by score.
const ROOM = 0
const FULL = 1
const LIGHT = 2

/**
 * Adds candidates of a stretch of places to the answer in the client's own order; returns how many
 * there are then.
 *
 * @param even whether their weights do not count
 */
export function giveSticky(
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
  const { places, words, layout } = pools
  const base = pools.addressFrom(pool)
  let count = given
  while (count < wanted) {
    let best = -1
    let bestRank = LIGHT + 1
    let bestScore = 0
    for (let place = from; place < from + size; place++) {
      const candidate = places[place]!
      if (count > 0 && isGiven(pools, pool, out, count, candidate)) continue
      const weight = weightAt(pools, place, even)
      const draw = drawn(key, seedOf(layout.bytes, base + candidate))
      const full = isPassedOn(draw, words[base + candidate]!) ? FULL : ROOM
      const rank = weight > 0 ? full : LIGHT
      const score = scoreOf(draw, weight > 0 ? weight : 1)
      if (rank > bestRank || (rank === bestRank && score <= bestScore)) continue
      best = candidate
      bestRank = rank
      bestScore = score
    }
    if (best < 0) break
    out[count++] = best
  }
  return count
}

const weightAt = ({ loads, shares }: Pools, place: number, even: boolean): number =>
  even ? shares[place]! : loads[place]! * shares[place]!

/** Whether the policy leaves weights aside. */
export const isEven = (pools: Pools, pool: number): boolean =>
  policies[pools.layout.fixed[pool * FIXED + FIXED_POLICY]!] === 'round-robin'

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
