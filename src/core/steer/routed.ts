/**
 * The decision by what was learned of round-trip times: the client's row names the regions, turns
 * are shared among its near-equals, and inside a region weight decides.
 *
 * Part of `decide`. A client in no row goes by geography, and where nothing is known of it by
 * turns. It allocates nothing; the row and the method are written to the question.
 */
import type { Family } from '../net/address.ts'
import type { Question } from './decide.ts'
import { decidePlaced, giveGroup, noteAlone } from './placed.ts'
import type { Pools } from './pools.ts'
import { COLD_START, GEO_FALLBACK, LEARNED, type RouteTable } from './routes.ts'
import { drawn, hasKey, scoreOf } from './sticky.ts'
import { pointOf, turnAt } from './turns.ts'

export function decideRouted(
  pools: Pools,
  pool: number,
  question: Question,
  out: Int32Array,
  wanted: number,
): number {
  if (question.route! >= 0) {
    question.method = LEARNED
    const given = giveRow(pools, pool, pools.routes[pool]!, question, out, wanted)
    if (given > 0) return given
  }
  // No row, or none of its regions serves: one may have joined since rows were compiled.
  const { rankings, stride } = pools.geo!
  question.method = rankings[question.place! * stride]! < 0 ? COLD_START : GEO_FALLBACK
  return decidePlaced(pools, pool, question, out, wanted)
}

/** How many candidates a region of a row has. */
function sizeOf(pools: Pools, own: number, group: number): number {
  return group < 0 ? 0 : pools.segments[own + group + 1]! - pools.segments[own + group]!
}

/** The first region of a row that serves, whichever of its near-equals the turn fell to; or ''. */
export function homeOf(pools: Pools, pool: number, family: Family, route: number): string {
  const table = pools.routes[pool]
  if (table === undefined || route < 0) return ''
  const own = pools.segmentsFrom(pool, family)
  for (let rank = 0; rank < table.stride; rank++) {
    const region = table.ranking[route * table.stride + rank]!
    if (sizeOf(pools, own, table.groups[region]!) > 0) return table.parts.regions[region]!
  }
  return ''
}

/** Near-equal regions draw for the client as servers do, so that shares move few clients. */
function stickyRank(
  pools: Pools,
  own: number,
  { ranking, shares, groups, stride }: RouteTable,
  from: number,
  key: number,
): number {
  let best = -1
  let bestScore = 0
  for (let rank = 0; rank < stride; rank++) {
    const group = groups[ranking[from + rank]!]!
    if (sizeOf(pools, own, group) === 0) continue
    if (shares[from + rank]! === 0) break
    const score = scoreOf(drawn(key, ranking[from + rank]! + 1), shares[from + rank]!)
    if (best >= 0 && score <= bestScore) continue
    best = rank
    bestScore = score
  }
  return best
}

function giveRow(
  pools: Pools,
  pool: number,
  table: RouteTable,
  question: Question,
  out: Int32Array,
  wanted: number,
): number {
  const { ranking, shares, groups, stride } = table
  const from = question.route! * stride
  const own = pools.segmentsFrom(pool, question.family)
  const { turn } = question
  let inside = turn
  let first = -1
  let whole = 0
  for (let rank = 0; rank < stride; rank++) {
    if (sizeOf(pools, own, groups[ranking[from + rank]!]!) === 0) continue
    if (first < 0) first = rank
    const share = shares[from + rank]!
    if (share === 0) break
    whole += share
  }
  if (first < 0) return 0
  // Among near-equals the turn's point falls to one, and its part of the way decides inside it.
  if (whole > shares[from + first]! && hasKey(question.key)) {
    first = stickyRank(pools, own, table, from, question.key)
  } else if (whole > shares[from + first]!) {
    let left = pointOf(turn) * whole
    for (let rank = first; rank < stride && shares[from + rank]! > 0; rank++) {
      if (sizeOf(pools, own, groups[ranking[from + rank]!]!) === 0) continue
      const share = shares[from + rank]!
      if (left < share) {
        first = rank
        inside = turnAt(left / share) | 0
        break
      }
      left -= share
    }
  }
  const chosen = groups[ranking[from + first]!]!
  const rest = pools.groupsOf(pool)
  question.basis = pools.segments[own + rest + 1]!
  let given = giveGroup(pools, pool, question, chosen, inside, out, 0, wanted)
  const isAlone = hasKey(question.key) || whole <= shares[from + first]!
  if (wanted === 1 && isAlone) noteAlone(pools, pool, question, chosen)
  for (let rank = 0; rank < stride && given < wanted; rank++) {
    const group = groups[ranking[from + rank]!]!
    if (rank === first || group < 0) continue
    given = giveGroup(pools, pool, question, group, turn, out, given, wanted)
  }
  if (given >= wanted) return given
  return giveGroup(pools, pool, question, rest - 1, turn, out, given, wanted)
}
