/**
 * How far around a client the decision is the same: what a resolver may keep an answer for
 * (RFC 7871 section 7.2.1).
 *
 * The class of a client says more than the decision needs: neighbours of another country may have
 * the same region. So the prefix is widened over neighbouring ranges while their classes lead to
 * the same regions as of now, some of them to each side, which is never wider than true.
 */
import { geoLimits } from '../base/limits/geo.ts'
import { bitsBesideMapped, MAPPED_BITS } from '../net/mapped.ts'
import type { Question } from './decide.ts'
import { FIXED, FIXED_ORDINALS, FIXED_STICKY } from './pool-layout.ts'
import { locateAgain } from './client-cache.ts'
import { areFencedAlike } from './composed.ts'
import { composedTraits, FENCES, READS } from './composed-layout.ts'
import { COMPOSED, FENCED, methodOf, PLACED, placesAt, ROUTED, STICKY, wantedOf } from './modes.ts'
import type { Pools } from './pools.ts'
import { LEARNED } from './routes.ts'
import { stickyBits } from './sticky.ts'

const NEIGHBOURS = geoLimits.geoScopeNeighbours.default

/**
 * Bits of the client's prefix as it was sent on which the decision rests, right after `decide` was
 * asked the same question. Of IPv6 no prefix spans both addresses that stand for IPv4 ones and
 * others, as each sort is decided by rules of its own.
 *
 * @param isMapped whether the client of 4 bytes was sent as an IPv6 one
 */
export function subnetScope(
  pools: Pools,
  pool: number,
  question: Question,
  isMapped: boolean,
): number {
  const bits = decisionScope(pools, pool, question)
  const { client } = question
  if (client.length === 4 && !isMapped) return bits
  if (bits === 0 && !readsClient(pools, pool, question)) return 0
  if (isMapped) return MAPPED_BITS + bits
  const beside = bitsBesideMapped(client)
  return bits > beside ? bits : beside
}

/** Whether the client has a say at all, be it that all of its own family are alike. */
function readsClient(pools: Pools, pool: number, { family }: Question): boolean {
  const mode = pools.modeOf(pool, family)
  if (!placesAt(mode)) return false
  if (pools.layout.fixed[pool * FIXED + FIXED_STICKY] !== 0) return true
  if (pools.geo === undefined) return false
  return methodOf(mode) !== COMPOSED || (composedTraits(pools.composed!.layout, pool) & READS) !== 0
}

/**
 * Bits of the client's address on which the decision rests, right after `decide` was asked the same
 * question; 0 where the policy does not read the client.
 */
export function decisionScope(pools: Pools, pool: number, question: Question): number {
  const mode = pools.modeOf(pool, question.family)
  if (!placesAt(mode)) return 0
  const { cache } = pools
  const method = methodOf(mode)
  if (method === COMPOSED || method === STICKY) {
    const placed = whereScope(pools, pool, question, mode)
    return widened(pools, pool, question, placed)
  }
  // Where nothing is known of clients, nothing depends on where they are.
  if (pools.geo === undefined) return widened(pools, pool, question, 0)
  // Right after the decision this is the entry that it made or found.
  locateAgain(pools, pool, question)
  const known = cache.scope
  if (known >= 0) return known
  const scope = widened(pools, pool, question, scopeOf(pools, pool, question, mode))
  cache.scope = scope
  return scope
}

/** Clients of one network draw alike, and those of another otherwise. */
function widened(pools: Pools, pool: number, question: Question, placed: number): number {
  const bits = stickyBits(pools, pool, question.client.length === 16 ? 6 : 4)
  return placed > bits ? placed : bits
}

/** Bits on which it rests where the client is, of a policy made of others or one that draws. */
function whereScope(pools: Pools, pool: number, question: Question, mode: number): number {
  if (methodOf(mode) === STICKY || pools.geo === undefined) return 0
  const traits = composedTraits(pools.composed!.layout, pool)
  if ((traits & READS) === 0) return 0
  locateAgain(pools, pool, question)
  const { cache } = pools
  if (cache.scope < 0) cache.scope = fencedScope(pools, pool, question, traits)
  return leafScope(pools, question, cache.scope)
}

/** The narrower of what leads to a leaf and of what the leaf decides. */
function leafScope({ composed }: Pools, question: Question, fenced: number): number {
  const leaf = question.leaf!
  return leaf < 0 ? fenced : Math.max(fenced, decisionScope(composed!.leaves, leaf, question))
}

/** How far around a client all geofences of a policy send the same way. */
function fencedScope(pools: Pools, pool: number, question: Question, traits: number): number {
  if ((traits & FENCES) === 0) return 0
  const { map } = pools.geo!
  const family = question.client.length === 16 ? 6 : 4
  const own = map.classOf(family, question.client)
  const most = map.countOf(family) - 1
  let [first, last] = [map.range, map.range]
  const isAlike = (range: number) => areFencedAlike(pools, pool, own, map.valueAt(family, range))
  for (let step = 0; step < NEIGHBOURS && first > 0 && isAlike(first - 1); step++) first--
  for (let step = 0; step < NEIGHBOURS && last < most && isAlike(last + 1); step++) last++
  return map.scopeAcross(family, question.client, first, last)
}

function scopeOf(pools: Pools, pool: number, question: Question, mode: number): number {
  const family = question.client.length === 16 ? 6 : 4
  if (methodOf(mode) !== ROUTED) return placedScope(pools, pool, question, mode)
  const routes = pools.routes[pool]
  if (routes === undefined) return placedScope(pools, pool, question, mode)
  routes.map.classOf(family, question.client)
  // Neighbours with equal rows are one range, so that of a row is as wide as can be.
  if (question.method === LEARNED) return routes.map.scope
  // In none, or in one of whose regions none serves: geography went on.
  return Math.max(routes.map.scope, placedScope(pools, pool, question, mode))
}

/** The scope where geography decides. */
function placedScope(pools: Pools, pool: number, question: Question, mode: number): number {
  const method = methodOf(mode) === FENCED ? FENCED : PLACED
  const { map } = pools.geo!
  const family = question.client.length === 16 ? 6 : 4
  const own = map.classOf(family, question.client)
  const most = map.countOf(family) - 1
  const wanted = method === FENCED ? 1 : wantedOf(mode)
  let first = map.range
  let last = map.range
  for (let step = 0; step < NEIGHBOURS && first > 0; step++, first--)
    if (!agrees(pools, pool, question, method, wanted, own, map.valueAt(family, first - 1))) break
  for (let step = 0; step < NEIGHBOURS && last < most; step++, last++)
    if (!agrees(pools, pool, question, method, wanted, own, map.valueAt(family, last + 1))) break
  return map.scopeAcross(family, question.client, first, last)
}

/** Whether two classes lead to the same answer at equal turns. */
function agrees(
  pools: Pools,
  pool: number,
  question: Question,
  method: number,
  wanted: number,
  one: number,
  other: number,
): boolean {
  if (one === other) return true
  const { rankings, stride } = pools.geo!
  if (method === FENCED) return rankings[one * stride] === rankings[other * stride]
  // Where nothing is known of a client the whole pool answers.
  if (rankings[one * stride]! < 0 || rankings[other * stride]! < 0)
    return rankings[one * stride]! < 0 && rankings[other * stride]! < 0
  let [rank, against] = [-1, -1]
  do {
    rank = nextServed(pools, pool, question, one, rank)
    against = nextServed(pools, pool, question, other, against)
    const region = rank < stride ? rankings[one * stride + rank]! : -1
    const regionThere = against < stride ? rankings[other * stride + against]! : -1
    if (region !== regionThere) return false
    if (region < 0) return true
    // One answer comes of the first region; more of them may go on to any that follow.
  } while (wanted > 1)
  return true
}

/** The next rank of a class whose region has a candidate; `stride` when there is none. */
function nextServed(
  pools: Pools,
  pool: number,
  { family }: Question,
  place: number,
  after: number,
): number {
  const { rankings, stride } = pools.geo!
  const table = pools.layout.fixed[pool * FIXED + FIXED_ORDINALS]!
  const own = pools.segmentsFrom(pool, family)
  for (let rank = after + 1; rank < stride; rank++) {
    const region = rankings[place * stride + rank]!
    if (region < 0) return stride
    const group = pools.layout.ordinals[table + region]!
    if (group >= 0 && pools.segments[own + group + 1]! > pools.segments[own + group]!) return rank
  }
  return stride
}
