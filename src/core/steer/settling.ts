/**
 * How a family of a pool is asked, once its candidates are gathered: by what method, on what
 * basis, for how many answers; and the sums that the method goes by.
 */
import type { Family } from '../net/address.ts'
import { isTimed } from './filling.ts'
import {
  COMPOSED,
  COUNT,
  DOWN,
  EMPTY,
  FENCED,
  FIRST,
  FIRST_SHARED,
  MODE,
  PLACED,
  RING,
  RING_SHARED,
  ROUTED,
  ROW,
  STICKY,
  WEIGHTED,
} from './modes.ts'
import { settleGroups } from './placing.ts'
import { FIXED, FIXED_ANSWERS, FIXED_POLICY, FIXED_STICKY, policies } from './pool-layout.ts'
import type { Pools } from './pools.ts'
import { guideSums } from './turns.ts'
import { BASIS_NOTHING, BASIS_SERVING } from './view.ts'

const POLICY_WEIGHTED = policies.indexOf('weighted')
const POLICY_FAILOVER = policies.indexOf('failover')
const POLICY_COMPOSED = policies.indexOf('composed')
const POLICY_LATENCY = policies.indexOf('latency')
const POLICY_LEARNED = policies.indexOf('learned_latency')

/** Completes a family's part of the row from its candidates and their shares. */
export function settle(
  pools: Pools,
  pool: number,
  family: Family,
  count: number,
  basis: number,
): void {
  const { fixed } = pools.layout
  const policy = fixed[pool * FIXED + FIXED_POLICY]!
  const isPlaced = pools.groupsOf(pool) > 0
  const from = pools.placesFrom(pool, family)
  const even = isPlaced || isEven(pools, from, from + count)
  let method = even ? RING : RING_SHARED
  const byTimes = basis === BASIS_SERVING && count > 0 && isTimed(pools, pool, family)
  if (policy === POLICY_WEIGHTED || byTimes || pools.isBelow) method = WEIGHTED
  if (isPlaced) {
    settleGroups(pools, pool, family)
    method = pools.isFenced(pool) ? FENCED : policy === POLICY_LEARNED ? ROUTED : PLACED
  }
  const sticks = fixed[pool * FIXED + FIXED_STICKY] !== 0
  if (!isPlaced && sticks) {
    method = STICKY
    const own = pool * 2 + (family === 6 ? 1 : 0)
    if (policy === POLICY_LATENCY) pools.tops[own] = topOf(pools, from, from + count)
  }
  if (policy === POLICY_FAILOVER) method = even ? FIRST : FIRST_SHARED
  if (!isPlaced) sum(pools, from, from + count, method)
  // Behind a fence the client's own region says why there is nobody.
  const saysWhy = method === FENCED && pools.hasFamily(pool, family)
  if (count === 0 && !saysWhy) method = emptyMethod(pools, pool, family, basis)
  // Who answers a client is for the leaves to say.
  if (policy === POLICY_COMPOSED && pools.hasFamily(pool, family)) method = COMPOSED
  setRow(pools, pool, family, count, method, count === 0 ? BASIS_NOTHING : basis)
}

/** Writes the family's part of the row. */
export function setRow(
  { rows, layout }: Pools,
  pool: number,
  family: Family,
  count: number,
  method: number,
  basis: number,
): void {
  const row = pool * ROW + (family === 6 ? 2 : 0)
  const answers = layout.fixed[pool * FIXED + FIXED_ANSWERS]!
  const wanted = Math.max(0, Math.min(answers, count, 0xffff))
  rows[row + COUNT] = count
  rows[row + MODE] = method | (basis << 8) | (wanted << 16)
}

/** Whether every share is whole, so that turns can simply rotate. */
function isEven({ sums, shares, loads }: Pools, from: number, end: number): boolean {
  let bled = true
  for (let place = from; bled && place < end; place++) bled = sums[place] === 0
  let even = true
  for (let place = from; place < end; place++) {
    // Signals that shape weight never empty a pool (design section 5): when every share is zero
    // none counts.
    if (bled) {
      shares[place] = 1000
      sums[place] = loads[place]! * 1000
    }
    if (shares[place] !== 1000) even = false
  }
  return even
}

/** Sums up what a method goes by, where it goes by any, from the first place of a family on. */
function sum(pools: Pools, from: number, end: number, method: number): void {
  const { sums } = pools
  if (method !== WEIGHTED) {
    addUp(pools, from, from, end, method)
    return
  }
  let total = 0
  for (let place = from; place < end; place++) {
    total += sums[place]!
    sums[place] = total
  }
  guideSums(sums, pools.guides, from, end - from)
}

/** The same anew from a place on, where each candidate is one server. */
export function addUp(
  { sums, loads, shares }: Pools,
  from: number,
  first: number,
  end: number,
  method: number,
): void {
  let total = first === from ? 0 : sums[first - 1]!
  for (let place = first; place < end; place++) {
    if (method === WEIGHTED) total += loads[place]! * shares[place]!
    else if (method === RING_SHARED) total += shares[place]!
    // Of what those before it pass on.
    else if (method === FIRST_SHARED) total += ((1000 - total) * shares[place]!) / 1000
    else return
    sums[place] = total
  }
}

/** The greatest share, which the times of checks may raise above the whole. */
function topOf({ shares }: Pools, from: number, end: number): number {
  let top = 0
  for (let place = from; place < end; place++) top = Math.max(top, shares[place]!)
  return top
}

/** Why a family without candidates answers nothing. */
function emptyMethod(pools: Pools, pool: number, family: Family, basis: number): number {
  const other = family === 4 ? 6 : 4
  if (!pools.hasFamily(pool, family) && pools.hasFamily(pool, other)) return EMPTY
  // A client of the other family is still served; telling this one "no such record" lets it use
  // that family, where SERVFAIL would have it give up.
  if (basis === BASIS_SERVING) return EMPTY
  // A pool that no server has joined yet is down, not a name without records.
  return pools.allDownOf(pool) === 'nodata' ? EMPTY : DOWN
}
