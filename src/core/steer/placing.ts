/**
 * Candidates of a pool whose answers depend on where the client is: those of one region lie
 * together in `places`, with sums and guides of their own.
 *
 * Of each family `segments` holds where each group begins and where the last one ends, then on what
 * basis each is filled. In a fenced pool each region falls back by itself, so that clients of one
 * that is down get what `when_all_down` says of that region, and never another's servers.
 */
import type { Family } from '../net/address.ts'
import type { Pools } from './pools.ts'
import type { WhenAllDown } from './topology.ts'
import { guideSums } from './turns.ts'
import {
  BASIS_FALLBACK,
  BASIS_NOTHING,
  BASIS_SERVING,
  basisOf,
  isServing,
  shareOf,
  standsIn,
} from './view.ts'

/** What a candidate must be: in service, or what `when_all_down` puts in place of that. */
type Wanted = WhenAllDown | 'serving'

/** The share with which it stands, in thousandths; -1 where it does not. */
function shareIn(pools: Pools, pool: number, candidate: number, wanted: Wanted): number {
  const address = pools.addressFrom(pool) + candidate
  const isMember = candidate < pools.membersOf(pool)
  if (wanted === 'fallback') return isMember ? -1 : 1_000
  if (!isMember) return -1
  const weight = pools.layout.weights[address]!
  const word = pools.words[address]!
  if (wanted !== 'serving') return standsIn(wanted, word, weight) ? 1_000 : -1
  return isServing(word) && weight > 0 ? shareOf(word) : -1
}

/** Gathers the candidates group by group; returns how many there are. */
export function fillGroups(pools: Pools, pool: number, family: Family, wanted: Wanted): number {
  return fill(pools, pool, family, () => wanted)
}

/** The same for a fenced pool, where each region falls back by itself. */
export function fillFenced(pools: Pools, pool: number, family: Family): number {
  const { groups, order } = pools.layout
  const from = pools.addressFrom(pool)
  const size = pools.sizeOf(pool)
  const mode = pools.allDownOf(pool)
  const elsewhere = pools.groupsOf(pool) - 1
  return fill(pools, pool, family, (group, first) => {
    // Nobody is at home where no region is known; what lies there serves as fallback alone.
    if (group === elsewhere) return 'fallback'
    for (let at = first; at < size && groups[from + order[from + at]!] === group; at++)
      if (shareIn(pools, pool, order[from + at]!, 'serving') >= 0) return 'serving'
    return mode === 'fallback' ? 'servfail' : mode
  })
}

function basisFor(wanted: Wanted): number {
  if (wanted === 'serving') return BASIS_SERVING
  if (wanted === 'fallback') return BASIS_FALLBACK
  return wanted === 'servfail' || wanted === 'nodata' ? BASIS_NOTHING : basisOf(wanted)
}

/** @param wantedOf what the candidates of a group must be, told of where they begin in the order */
function fill(
  pools: Pools,
  pool: number,
  family: Family,
  wantedOf: (group: number, first: number) => Wanted,
): number {
  const { segments } = pools
  const { families, groups, order } = pools.layout
  const from = pools.addressFrom(pool)
  const size = pools.sizeOf(pool)
  const count = pools.groupsOf(pool)
  const own = pools.segmentsFrom(pool, family)
  let placed = 0
  let at = 0
  for (let group = 0; group < count; group++) {
    const start = placed
    segments[own + group] = start
    const wanted = wantedOf(group, at)
    for (; at < size && groups[from + order[from + at]!] === group; at++) {
      const candidate = order[from + at]!
      if (families[from + candidate] !== family) continue
      const share = shareIn(pools, pool, candidate, wanted)
      if (share >= 0) placed = pools.place(pool, family, placed, candidate, share, start)
    }
    segments[own + count + 1 + group] = basisFor(wanted)
  }
  segments[own + count] = placed
  return placed
}

/** Sums up the weights of each group; signals that shape weight never empty one. */
export function settleGroups(pools: Pools, pool: number, family: Family): void {
  const { segments, sums, loads, guides } = pools
  const from = pools.placesFrom(pool, family)
  const own = pools.segmentsFrom(pool, family)
  for (let group = 0; group < pools.groupsOf(pool); group++) {
    const start = from + segments[own + group]!
    const end = from + segments[own + group + 1]!
    let bled = true
    for (let place = start; place < end; place++) if (sums[place] !== 0) bled = false
    let total = 0
    for (let place = start; place < end; place++) {
      total += bled ? loads[place]! * 1_000 : sums[place]!
      sums[place] = total
    }
    guideSums(sums, guides, start, end - start)
  }
}
