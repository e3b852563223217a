/**
 * The way through a policy made of others, to the leaf that answers.
 *
 * Part of `decide`. A geofence goes by what is told of the client's class, tiers by who serves, a
 * split by the turn. Where nobody in reach serves, `when_all_down` speaks for the leaves in reach,
 * so that a fence is never left. It allocates nothing.
 */
import type { Family } from '../net/address.ts'
import {
  FAILOVER,
  FENCE,
  LEAF,
  READS,
  ROOT_PROGRAM,
  ROOT_TRAITS,
  SPLIT,
  SPLITS,
  type ComposedLayout,
} from './composed-layout.ts'
import { locate, notedLeaf, noteLeaf } from './client-cache.ts'
import type { Question } from './decide.ts'
import { basisAt, choosesAt } from './modes.ts'
import { ALL_DOWN, NODATA } from './outcomes.ts'
import type { Pools } from './pools.ts'
import { drawn, hasKey, NO_KEY, scoreOf } from './sticky.ts'
import { pointOf, turnAt } from './turns.ts'
import { BASIS_SERVING } from './view.ts'

/**
 * The leaf that answers, or -1. Writes the client's class to the question, and below a split the
 * turn that its part goes on with.
 */
export function leafFor(pools: Pools, pool: number, question: Question): number {
  const { layout } = pools.composed!
  const root = layout.rootOf[pool]!
  const traits = layout.roots[root + ROOT_TRAITS]!
  const reads = pools.geo !== undefined && (traits & READS) !== 0
  question.place = -1
  question.route = -1
  if (reads) {
    locate(pools, pool, question)
    const noted = notedLeaf(pools.cache)
    if (noted >= 0) return noted
  }
  const leaf = leafBelow(pools, layout.roots[root + ROOT_PROGRAM]!, question)
  if (reads && leaf >= 0 && (traits & SPLITS) === 0) noteLeaf(pools.cache, leaf)
  return leaf
}

function leafBelow(pools: Pools, program: number, question: Question): number {
  const { family } = question
  const served = find(pools, program, question, family, false, true)
  return served >= 0 ? served : find(pools, program, question, family, true, true)
}

/** What the question comes to where no leaf answers it. */
export function nothingFor(pools: Pools, pool: number, question: Question): number {
  const { layout } = pools.composed!
  const program = layout.roots[layout.rootOf[pool]! + ROOT_PROGRAM]!
  const other = question.family === 4 ? 6 : 4
  // A client of the other family is still served, and this one can use that.
  if (find(pools, program, question, other, false, false) >= 0) return NODATA
  return pools.allDownOf(pool) === 'nodata' ? NODATA : ALL_DOWN
}

/** The branch of a fence for a client; the program to go on with. */
function branchAt(layout: ComposedLayout, pools: Pools, node: number, place: number): number {
  const { programs, fences } = layout
  const others = programs[node + 2]!
  if (place < 0) return others
  const rule = fences[programs[node + 3]! + pools.geo!.labelNumber(place)]!
  return rule < 0 ? others : programs[node + 4 + rule]!
}

/**
 * The first leaf below a node that has somebody to answer with, or -1.
 *
 * @param standing whether those count that `when_all_down` puts in place of the servers
 * @param turns whether the turn may decide; otherwise any part of a split will do
 */
function find(
  pools: Pools,
  node: number,
  question: Question,
  family: Family,
  standing: boolean,
  turns: boolean,
): number {
  const { layout, leaves } = pools.composed!
  const { programs } = layout
  switch (programs[node]) {
    case LEAF: {
      const leaf = programs[node + 1]!
      const mode = leaves.modeOf(leaf, family)
      const answers = choosesAt(mode) && (standing || basisAt(mode) === BASIS_SERVING)
      return answers ? leaf : -1
    }
    case FENCE: {
      const branch = branchAt(layout, pools, node, question.place!)
      return find(pools, branch, question, family, standing, turns)
    }
    case FAILOVER: {
      const end = node + 2 + programs[node + 1]!
      for (let tier = node + 2; tier < end; tier++) {
        const leaf = find(pools, programs[tier]!, question, family, standing, turns)
        if (leaf >= 0) return leaf
      }
      return -1
    }
    case SPLIT:
      return findPart(pools, node, question, family, standing, turns)
    default:
      return -1
  }
}

/** The part that the turn falls to, among those that have somebody. */
function findPart(
  pools: Pools,
  node: number,
  question: Question,
  family: Family,
  standing: boolean,
  turns: boolean,
): number {
  const { programs } = pools.composed!.layout
  const end = node + 2 + 2 * programs[node + 1]!
  const { key = NO_KEY } = question
  let whole = 0
  let last = -1
  let bestScore = 0
  for (let part = node + 2; part < end; part += 2) {
    const weight = programs[part]!
    if (weight === 0) continue
    const leaf = find(pools, programs[part + 1]!, question, family, standing, false)
    if (leaf < 0) continue
    if (!turns) return leaf
    if (hasKey(key)) {
      const score = scoreOf(drawn(key, part - node), weight)
      if (last >= 0 && score <= bestScore) continue
      bestScore = score
    }
    whole += weight
    last = part
  }
  if (last < 0) return -1
  if (hasKey(key)) return find(pools, programs[last + 1]!, question, family, standing, true)
  let left = pointOf(question.turn) * whole
  for (let part = node + 2; part <= last; part += 2) {
    const weight = programs[part]!
    if (weight === 0) continue
    if (find(pools, programs[part + 1]!, question, family, standing, false) < 0) continue
    if (left < weight || part === last) {
      // How far into its part the turn fell decides below it.
      question.turn = turnAt(Math.min(left / weight, 1 - 2 ** -32))
      return find(pools, programs[part + 1]!, question, family, standing, true)
    }
    left -= weight
  }
  return -1
}

/** Whether all fences send two classes the same way. */
export function areFencedAlike(pools: Pools, pool: number, one: number, other: number): boolean {
  const { layout } = pools.composed!
  const program = layout.roots[layout.rootOf[pool]! + ROOT_PROGRAM]!
  return areAlikeBelow(pools, layout, program, one, other)
}

function areAlikeBelow(
  pools: Pools,
  layout: ComposedLayout,
  node: number,
  one: number,
  other: number,
): boolean {
  const { programs } = layout
  const count = programs[node + 1]!
  switch (programs[node]) {
    case FENCE: {
      const branch = branchAt(layout, pools, node, one)
      if (branch !== branchAt(layout, pools, node, other)) return false
      return areAlikeBelow(pools, layout, branch, one, other)
    }
    case FAILOVER:
      for (let tier = 0; tier < count; tier++)
        if (!areAlikeBelow(pools, layout, programs[node + 2 + tier]!, one, other)) return false
      return true
    case SPLIT:
      for (let part = 0; part < count; part++)
        if (!areAlikeBelow(pools, layout, programs[node + 3 + 2 * part]!, one, other)) return false
      return true
    default:
      return true
  }
}
