/**
 * Candidates of a pool whose answers do not depend on the client: who serves, or whom
 * `when_all_down` puts in their place.
 */
import type { Family } from '../net/address.ts'
import { fillGroups } from './placing.ts'
import { FIXED, FIXED_POLICY, policies } from './pool-layout.ts'
import type { Pools } from './pools.ts'
import { isServing, levelOf, shareOf, standsIn } from './view.ts'

const POLICY_LATENCY = policies.indexOf('latency')

/** Behind a fence where no map says who is at home, nobody is. */
const isShut = (pools: Pools, pool: number): boolean =>
  pools.isFenced(pool) && pools.groupsOf(pool) === 0

/** Gathers the candidates that serve; returns how many. */
export function fillServing(pools: Pools, pool: number, family: Family): number {
  if (isShut(pools, pool)) return 0
  if (pools.groupsOf(pool) > 0) return fillGroups(pools, pool, family, 'serving')
  const { weights, families } = pools.layout
  const from = pools.addressFrom(pool)
  const members = pools.membersOf(pool)
  const byTimes = isTimed(pools, pool, family)
  let count = 0
  for (let member = 0; member < members; member++) {
    const address = from + member
    const word = pools.words[address]!
    if (!isServing(word) || weights[address] === 0) continue
    if (families[address] !== family) continue
    const share = byTimes ? shareOf(word) * levelOf(word) : shareOf(word)
    count = pools.place(pool, family, count, member, share)
  }
  return count
}

/** Whether the times of checks say which servers to prefer. */
export function isTimed(pools: Pools, pool: number, family: Family): boolean {
  const { fixed, weights, families } = pools.layout
  if (fixed[pool * FIXED + FIXED_POLICY] !== POLICY_LATENCY) return false
  const from = pools.addressFrom(pool)
  for (let address = from; address < from + pools.membersOf(pool); address++) {
    const word = pools.words[address]!
    const counts = levelOf(word) > 0 && shareOf(word) > 0 && isServing(word)
    if (counts && families[address] === family && weights[address] !== 0) return true
  }
  return false
}

/** What `when_all_down` puts in place of the servers, when it names any; returns how many. */
export function fillAllDown(pools: Pools, pool: number, family: Family): number {
  const mode = pools.allDownOf(pool)
  if (mode === 'servfail' || mode === 'nodata') return 0
  if (isShut(pools, pool) && mode !== 'fallback') return 0
  if (pools.groupsOf(pool) > 0) return fillGroups(pools, pool, family, mode)
  const { weights, families } = pools.layout
  const from = pools.addressFrom(pool)
  const members = pools.membersOf(pool)
  const first = mode === 'fallback' ? members : 0
  const end = mode === 'fallback' ? pools.sizeOf(pool) : members
  let count = 0
  for (let candidate = first; candidate < end; candidate++) {
    const address = from + candidate
    if (families[address] !== family) continue
    const stands = mode === 'fallback' || standsIn(mode, pools.words[address]!, weights[address]!)
    if (stands) count = pools.place(pool, family, count, candidate, 1000)
  }
  return count
}
