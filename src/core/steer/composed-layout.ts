/**
 * Policies made of others as plain memory.
 *
 * Each leaf is a pool of its own, laid like any other over a copy of the addresses that it may
 * give, so that the flat algorithms are the same code above and below. What leads to it is a
 * program of a few numbers a node; a geofence is a table from what is told of a client's class to a
 * branch.
 */
import { copyOf, type Memory, textIn } from '../base/memory.ts'
import type { GeoLabel } from '../geo/parts.ts'
import {
  type FenceNode,
  type FenceRule,
  hasKind,
  leavesOf,
  type PolicyNode,
  readsClient,
  routesNameOf,
} from './policy-tree.ts'
import type { layPools, PoolLayout } from './pool-layout.ts'
import type { ServingPool } from './snapshot.ts'

// Kinds of nodes in a program: LEAF leaf, FENCE count others table children…,
// FAILOVER count children…, SPLIT count (weight child)….
export const LEAF = 1
export const FENCE = 2
export const FAILOVER = 3
export const SPLIT = 4

// Numbers of each composed pool in `roots`.
export const ROOT = 5
/** Where its program begins. */
export const ROOT_PROGRAM = 0
/** Its leaves, from this one up to before that one. */
export const ROOT_LEAF = 1
export const ROOT_END = 2
/** Sum of the three below. */
export const ROOT_TRAITS = 3
/** The leaf without servers, for those whom no rule lets in. */
export const ROOT_OUTSIDE = 4

/** The turn decides which leaf. */
export const SPLITS = 1
/** Some answer depends on where the client is. */
export const READS = 2
/** The client decides which leaf. */
export const FENCES = 4

export interface ComposedLayout {
  /** By pool, its place in `roots`; -1 for a flat policy. */
  readonly rootOf: Int32Array
  readonly roots: Int32Array
  readonly programs: Int32Array
  /** By label of a class (core/geo/parts.ts) its branch, one table after another. */
  readonly fences: Int16Array
  readonly labels: number
  readonly leaves: PoolLayout
  /** By address of a leaf, the candidate of the pool that it is. */
  readonly origins: Int32Array
  /** What rows of learned latency of each leaf are called, as a JSON list. */
  readonly names: Uint8Array
}

/** The leaves as pools, then one of the fallback addresses alone. */
export function leafPools(spec: ServingPool): readonly ServingPool[] {
  const { tree, ...rest } = spec
  if (tree === undefined) return []
  const leaves = leavesOf(tree, spec.members).map(
    ({ node, members }): ServingPool => ({
      ...rest,
      name: routesNameOf(spec.name, node),
      policy: node.algorithm,
      members: members.map((at) => {
        const member = spec.members[at]!
        const isEven = node.algorithm === 'round-robin' && member.weight > 0
        // Turns of a name are shared by several leaves, so none of them can go round.
        return isEven ? { ...member, weight: 1 } : member
      }),
    }),
  )
  return [...leaves, { ...rest, policy: 'round-robin', members: [] }]
}

function originsOf(spec: ServingPool): number[] {
  const fallback = spec.fallback.map((_, at) => spec.members.length + at)
  const leaves = leavesOf(spec.tree!, spec.members)
  return [...leaves.flatMap(({ members }) => [...members, ...fallback]), ...fallback]
}

const fits = (
  rule: FenceRule,
  { country, continent, home }: GeoLabel,
  regions: readonly string[],
) =>
  (rule.countries === undefined && rule.continents === undefined && rule.homes === undefined) ||
  rule.countries?.includes(country) === true ||
  rule.continents?.includes(continent) === true ||
  (home >= 0 && rule.homes?.includes(regions[home] ?? '') === true)

/** Number of the rule for clients of a label; -1 for none. */
export const ruleFor = (
  { rules }: FenceNode,
  label: GeoLabel,
  regions: readonly string[],
): number => rules.findIndex((rule) => fits(rule, label, regions))

/** Number of the rule for all others; -1 for none. */
export const othersOf = ({ rules }: FenceNode): number =>
  rules.findIndex(
    ({ countries, continents, homes }) =>
      countries === undefined && continents === undefined && homes === undefined,
  )

class Programs {
  readonly words: number[] = []
  readonly fences: number[] = []
  readonly #regions: readonly string[]
  readonly #labels: readonly GeoLabel[]
  readonly #tables = new Map<string, number>()
  #leaf = 0
  #outside = 0

  constructor(regions: readonly string[], labels: readonly GeoLabel[]) {
    this.#regions = regions
    this.#labels = labels
  }

  /** @param outside the leaf without servers */
  lay(tree: PolicyNode, leaf: number, outside: number): number {
    this.#leaf = leaf
    this.#outside = this.words.push(LEAF, outside) - 2
    return this.#node(tree)
  }

  #node(node: PolicyNode): number {
    switch (node.kind) {
      case 'choose':
        return this.words.push(LEAF, this.#leaf++) - 2
      case 'failover': {
        const tiers = node.tiers.map((tier) => this.#node(tier))
        return this.#put(FAILOVER, tiers.length, ...tiers)
      }
      case 'split': {
        const parts = node.parts.map((part) => [part.weight, this.#node(part.node)])
        return this.#put(SPLIT, parts.length, ...parts.flat())
      }
      default: {
        const rules = node.rules.map((rule) => this.#node(rule.node))
        const others = rules[othersOf(node)] ?? this.#outside
        return this.#put(FENCE, rules.length, others, this.#table(node), ...rules)
      }
    }
  }

  #put(...numbers: number[]): number {
    const at = this.words.length
    for (const one of numbers) this.words.push(one)
    return at
  }

  /** Fences of the same rules have one table. */
  #table(node: FenceNode): number {
    const key = JSON.stringify(node.rules.map(({ node: _, ...rule }) => rule))
    const known = this.#tables.get(key)
    if (known !== undefined) return known
    const at = this.fences.length
    for (const label of this.#labels) this.fences.push(ruleFor(node, label, this.#regions))
    this.#tables.set(key, at)
    return at
  }
}

const traitsOf = (tree: PolicyNode): number =>
  (hasKind(tree, 'split') ? SPLITS : 0) |
  (readsClient(tree) ? READS : 0) |
  (hasKind(tree, 'geofence') ? FENCES : 0)

/** What a pool's policy goes by, of the three above; 0 for a flat one. */
export function composedTraits({ rootOf, roots }: ComposedLayout, pool: number): number {
  const root = rootOf[pool]!
  return root < 0 ? 0 : roots[root + ROOT_TRAITS]!
}

/** Undefined where no pool has such a policy, which then costs nothing. */
export function layComposed(
  specs: readonly ServingPool[],
  memory: Memory,
  regions: readonly string[],
  labels: readonly GeoLabel[],
  lay: typeof layPools,
): ComposedLayout | undefined {
  if (specs.every(({ tree }) => tree === undefined)) return undefined
  const programs = new Programs(regions, labels)
  const roots: number[] = []
  const leaves: ServingPool[] = []
  const rootOf = specs.map((spec) => {
    if (spec.tree === undefined) return -1
    const from = leaves.length
    leaves.push(...leafPools(spec))
    const outside = leaves.length - 1
    const traits = traitsOf(spec.tree)
    const program = programs.lay(spec.tree, from, outside)
    return roots.push(program, from, outside + 1, traits, outside) - ROOT
  })
  const origins = specs.flatMap((spec) => (spec.tree === undefined ? [] : originsOf(spec)))
  return {
    rootOf: copyOf(Int32Array.from(rootOf), memory),
    roots: copyOf(Int32Array.from(roots), memory),
    programs: copyOf(Int32Array.from(programs.words), memory),
    fences: fencesIn(programs.fences, memory),
    labels: labels.length,
    leaves: lay(leaves, memory, regions),
    origins: copyOf(Int32Array.from(origins), memory),
    names: textIn(JSON.stringify(leaves.map(({ name }) => name)), memory),
  }
}

function fencesIn(branches: readonly number[], memory: Memory): Int16Array {
  const fences = new Int16Array(memory(branches.length * 2))
  fences.set(branches)
  return fences
}
